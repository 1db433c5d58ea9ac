import { describe, expect, test } from 'vitest';
import { runtimeLines, withRuntime } from '../../../src/bundle/runtimes-file.js';
import { parseDriver } from '../../../src/bundle/drivers/load.js';
import { versionFromName } from '../../../src/bundle/version.js';

const digest = 'ab'.repeat(32);
const bundle = { component: 'runc', version: '1.3.6', arch: 'amd64', digest, size: 1, series: 1 };

describe('writing a bundle into runtimes.yaml', () => {
  test('comments stay when the file holds nothing else', () => {
    expect(withRuntime('# what runs where\n', bundle)).toBe(`# what runs where\n${runtimeLines(bundle)}`);
    expect(withRuntime('', bundle)).toBe(runtimeLines(bundle));
  });

  test('an entry of another runtime is left as it is', () => {
    const before = '# one\n- runtime: crun # two\n  version: 1.28\n  digest: x\n';
    const after = withRuntime(before, bundle);
    expect(after.startsWith(before)).toBe(true);
    expect(after).toContain(`- runtime: runc\n  version: 1.3.6\n  digests:\n    amd64: sha256:${digest}\n`);
  });

  test('a new version takes away the digests of the old one, and keeps selector and comments', () => {
    const before = '- runtime: runc # ours\n  version: 1.1.5\n  digest: sha256:old\n  on: role=pos # tills\n';
    expect(withRuntime(before, bundle)).toBe(
      `- runtime: runc # ours\n  version: 1.3.6\n  on: role=pos # tills\n  digests:\n    amd64: sha256:${digest}\n`,
    );
  });

  test('another architecture of the same version is added beside the first', () => {
    const both = withRuntime(withRuntime('', bundle), { ...bundle, arch: 'arm64', digest: 'cd'.repeat(32) });
    expect(both).toContain(`    amd64: sha256:${digest}\n    arm64: sha256:${'cd'.repeat(32)}\n`);
  });

  test('writing the same bundle twice changes nothing', () => {
    const once = withRuntime('# x\n', bundle);
    expect(withRuntime(once, bundle)).toBe(once);
  });

  test.each([
    ['two entries of the runtime', '- runtime: runc\n  version: 1\n- runtime: runc\n  version: 2\n', /2 entries/],
    ['a file that is no list', 'runc: 1\n', /not a list/],
    ['a file that is broken', '- runtime: [\n', /cannot be read/],
  ])('%s: nothing is guessed, and the lines are shown', (_what, text, message) => {
    expect(() => withRuntime(text, bundle)).toThrow(message);
  });
});

describe('a version from a file name', () => {
  const driver = parseDriver(
    `component: x
summary: x
class: A
files: [{to: bin/x, from: [x], kind: elf}]
version: {probe: [x], fileName: '^special-(?<version>.*)[.]bin$'}
health: [[x]]
`,
    'x.yaml',
  );
  test.each([
    ['special-7.bin', '7'],
    ['containerd-1.7.24-linux-amd64.tar.gz', '1.7.24'],
    ['containerd-2.0.0-rc.1-linux-amd64.tar.gz', '2.0.0-rc.1'],
    ['crun-1.28-linux-arm64', '1.28'],
    ['runc.amd64', undefined],
    ['build', undefined],
  ])('%s gives %s', (name, version) => {
    expect(versionFromName(driver, name)).toBe(version);
  });
});
