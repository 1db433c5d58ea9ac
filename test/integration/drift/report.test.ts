import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labFleet, type LabFleet } from '../../helpers/lab-fleet.js';

interface Folded {
  kind: string;
  class: string;
  attribute: string;
  found: string | null;
  expected: string | null;
  nodes: string[];
  fix?: string;
}

let lab: LabFleet;
let ids: string[];
beforeAll(async () => {
  lab = await labFleet(4);
  const { envelope } = await lab.json('fleet', 'list');
  ids = (envelope.result.nodes as { id: string }[]).map(({ id }) => id).sort();
});
afterAll(async () => await lab.close());

const put = async (file: string, text: string): Promise<void> => {
  await mkdir(join(lab.dir, file, '..'), { recursive: true });
  await writeFile(join(lab.dir, file), text);
};
const report = async (...argv: string[]): Promise<{ exitCode: number; findings: Folded[] }> => {
  const { exitCode, envelope } = await lab.json('drift', 'report', ...argv);
  return { exitCode, findings: envelope.result.findings as Folded[] };
};
const unexpected = (findings: Folded[]): Folded[] => findings.filter((one) => one.class === 'unexpected');

// One fleet, in the order in which a person would go on.
describe('drift of real nodes', () => {
  it('is what they do not yet have of runtimes.yaml, with the command that brings it', async () => {
    const { exitCode, findings } = await report('--detailed-exitcode');
    expect(unexpected(findings)).toMatchObject([
      {
        kind: 'desired',
        attribute: 'runtime.lab-runtime.bundle',
        expected: '1.1.0',
        nodes: ids,
        fix: `edgectl rollout runtime lab-runtime --on '${ids.join(', ')}'`,
      },
    ]);
    expect(exitCode).toBe(2);
  });

  it('is looked for at once when desired.yaml asks for more, and found where it is', async () => {
    const [first = ''] = ids;
    await put('files/motd', 'hello\n');
    await put(
      'desired.yaml',
      `- on: ${first}\n  files: { /etc/motd: { content: files/motd, mode: 0644 } }\n  packages: { no-such-package: absent }\n`,
    );
    const { findings } = await report();
    expect(unexpected(findings).map(({ attribute, found, nodes }) => [attribute, found, nodes])).toEqual([
      ['runtime.lab-runtime.bundle', '1.0.0 of the distribution', ids],
      ['file./etc/motd.digest', 'absent', [first]],
    ]);
  });

  it('is none by a baseline of what is there, and expected by a rule', async () => {
    const written = await lab.json('drift', 'baseline', 'all', '--cached', '--out', join(lab.dir, 'state', 'all.yaml'));
    expect(written.exitCode).toBe(0);
    await put('desired.yaml', '');
    const rule = 'ignore: [{ attributes: runtime.*, reason: later, owner: ops, expires: 2099-12-31 }]\n';
    await put('drift.yaml', rule);
    const { exitCode, findings } = await report('--cached', '--fail-on', 'any');
    expect(unexpected(findings)).toEqual([]);
    expect(findings.filter((one) => one.class === 'expected').map(({ nodes }) => nodes)).toEqual([ids]);
    expect(exitCode).toBe(0);
  });

  it('ends with 1 for what it shall fail on, and with 64 for a mistake in a file', async () => {
    await put('drift.yaml', '');
    expect((await report('--cached', '--fail-on', 'any')).exitCode).toBe(1);
    expect((await report('--cached', '--fail-on', 'security')).exitCode).toBe(0);
    await put('drift.yaml', 'ignore: [{ attributes: a, reason: b, owner: c, expires: soon }]\n');
    const { exitCode, envelope } = await lab.json('drift', 'report', '--cached');
    expect([exitCode, envelope.error?.code]).toEqual([64, 'CONFIG_INVALID']);
    await put('drift.yaml', '');
  });

  it('tells of a node that went away what was last known, and ends with 3', async () => {
    const [first = '', second = ''] = ids;
    expect((await lab.edgectl('lab', 'break', second, '--how', 'offline')).exitCode).toBe(0);
    const { exitCode, findings } = await report('--live');
    expect(exitCode).toBe(3);
    expect(findings.find(({ kind }) => kind === 'unseen')?.nodes).toEqual([second]);
    expect(findings.find((one) => one.class === 'unknown' && one.kind === 'desired')).toMatchObject({
      nodes: [second],
      found: '1.0.0 of the distribution',
    });
    const shown = await lab.json('drift', 'show', second, '--cached', '--attributes', 'os.*');
    expect((shown.envelope.result.attributes as { attribute: string }[]).map(({ attribute }) => attribute)).toContain(
      'os.arch',
    );
    const differing = await lab.json('drift', 'diff', first, second, '--cached', '--detailed-exitcode');
    expect([0, 2]).toContain(differing.exitCode);
    expect(differing.envelope.result.same).toBeGreaterThan(20);
  });

  it('is written to files as well', async () => {
    const files = ['sarif', 'junit', 'html', 'csv'].map((kind) => `${kind}=${join(lab.home, kind)}`);
    const { exitCode } = await lab.edgectl('drift', 'report', '--cached', '--report', files.join(','));
    expect(exitCode).toBe(0);
    expect(JSON.parse(await readFile(join(lab.home, 'sarif'), 'utf8'))).toMatchObject({ version: '2.1.0' });
    expect(await readFile(join(lab.home, 'junit'), 'utf8')).toContain(`tests="${ids.length}"`);
  });
});
