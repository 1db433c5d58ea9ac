import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderNodeDriver } from '../../../src/bundle/drivers/render.js';
import { listDrivers, loadDriver, parseDriver } from '../../../src/bundle/drivers/load.js';

const templates = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../../templates/drivers');
const crun = readFileSync(path.join(templates, 'crun.yaml'), 'utf8');
const containerd = readFileSync(path.join(templates, 'containerd.yaml'), 'utf8');
let own: string;

beforeAll(() => {
  own = mkdtempSync(path.join(tmpdir(), 'edgectl-drivers-'));
  writeFileSync(path.join(own, 'crun.yaml'), crun.replace('the small OCI runtime', 'ours'));
});
afterAll(() => rmSync(own, { recursive: true, force: true }));

function linesOf(text: string, file = 'drivers/crun.yaml'): readonly string[] {
  try {
    parseDriver(text, file);
  } catch (error) {
    expect(error).toMatchObject({ code: 'DRIVER_INVALID' });
    return (error as { lines: readonly string[] }).lines;
  }
  throw new Error('the driver was accepted');
}

describe('a driver of class C', () => {
  const classC = (state: string, more = ''): string =>
    containerd
      .replace('class: B', `class: C\n${state}`)
      .replace('  startTimeout: 60\n', '')
      .replace('service:\n', `service:\n${more}`);
  const file = 'drivers/containerd.yaml';

  test('tells the node which directories a new version migrates', () => {
    const driver = parseDriver(classC('state: [/var/lib/rancher/k3s/server, /etc/rancher]'), file);
    const text = renderNodeDriver(driver);
    expect(text).toContain('state.1=/var/lib/rancher/k3s/server\nstate.2=/etc/rancher\n');
    const keys = [...text.matchAll(/^[^=]+/gm)].map(([key]) => key);
    expect(keys).toEqual([...keys].sort());
  });

  test.each([
    ['state: []', /class C names the directories/],
    ['state: [var/lib/x]', /an absolute path/],
    ['state: [/var/lib/../etc]', /an absolute path/],
    ['state: [/var/lib/x, /var/lib/x/y]', /\/var\/lib\/x\/y is \/var\/lib\/x or lies in it/],
    ['state: [/var/lib]', /holds what edgectl itself keeps/],
    ['state: [/var/lib/edgectl/gen]', /lies in it/],
  ])('is refused with %s', (state, message) => {
    expect(linesOf(classC(state), file).join('\n')).toMatch(message);
  });

  test('cannot promise to be back within a grace, and class B only when it starts in it', () => {
    expect(linesOf(classC('state: [/var/lib/x]', '  grace: 600\n'), file).join('\n')).toMatch(/as long as it takes/);
    const hasty = containerd.replace('service:\n', 'service:\n  grace: 1\n');
    expect(linesOf(hasty, file).join('\n')).toMatch(/be gone for 1 s only/);
  });

  test('is what a runtime with state has to be', () => {
    const text = containerd.replace('class: B', 'class: B\nstate: [/var/lib/x]');
    expect(linesOf(text, file).join('\n')).toMatch(/class B migrates nothing/);
  });
});

describe('loading a driver', () => {
  test('a fleet’s own driver replaces the one that comes with edgectl', async () => {
    expect((await loadDriver('crun', [own, templates])).driver.summary).toBe('crun, ours');
    const listed = await listDrivers([own, templates]);
    expect(listed.filter(({ driver }) => driver.component === 'crun')).toMatchObject([
      { file: path.join(own, 'crun.yaml') },
    ]);
  });

  test('a directory that is not there is passed over', async () => {
    expect((await loadDriver('runc', [path.join(own, 'nothing'), templates])).driver.component).toBe('runc');
  });

  test.each(['no-such-runtime', '../crun', '/etc/passwd', 'crun.yaml', ''])(
    '%j is no driver, and the known ones are named',
    async (name) => {
      await expect(loadDriver(name, [own, templates])).rejects.toMatchObject({
        code: 'DRIVER_NOT_FOUND',
        exitCode: 64,
        data: { known: expect.arrayContaining(['containerd', 'crun', 'runc']) },
      });
    },
  );

  test('every error is told at once, with file, line and column', () => {
    const broken = crun.replace('class: A', 'class: Z').replace('to: bin/crun', 'to: ../bin/crun');
    expect(linesOf(broken)).toEqual([
      expect.stringMatching(/^drivers\/crun\.yaml:4:8: class: /),
      expect.stringMatching(/^drivers\/crun\.yaml:7:9: files\.0\.to: /),
    ]);
  });

  test.each([
    ['a key that nobody knows', crun.replace('links:', 'linkz:'), /linkz/],
    [
      'a service where nothing is restarted',
      containerd.replace('class: B', 'class: A').replaceAll('component: containerd', 'component: crun'),
      /class A/,
    ],
    ['a daemon without a service', crun.replace('class: A', 'class: B'), /needs a service/],
    [
      'a link to a file that is not packed',
      crun.replace(/to: bin\/crun\n\nsurvive/, 'to: bin/other\n\nsurvive'),
      /bin\/other is not among files/,
    ],
    [
      'a probe word with a space, which the node would split',
      crun.replace('list, --quiet', '"list --quiet"'),
      /one word/,
    ],
    [
      'a link outside absolute plain paths',
      crun.replace('path: /usr/local/bin/crun', 'path: /usr/local/../bin/crun'),
      /absolute path/,
    ],
    [
      'a process name longer than the kernel keeps',
      crun.replace('proc:conmon', 'proc:containerd-shim-runc'),
      /15 characters/,
    ],
    ['a version expression without a version', crun.replace('(?<version>', '('), /version/],
    ['YAML that is broken', `${crun}\n  : [`, /crun\.yaml:\d+:\d+/],
    ['a component that is not the file’s name', crun.replace('component: crun', 'component: runc'), /named crun\.yaml/],
  ])('%s is refused', (_what, text, message) => {
    expect(linesOf(text).join('\n')).toMatch(message);
  });
});
