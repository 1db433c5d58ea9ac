import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labFleet, type LabFleet } from '../../helpers/lab-fleet.js';
import { requires } from '../../helpers/requires.js';

const need = requires('ssh-keygen');
const rollout = ['rollout', 'runtime', '--canary', '1', '--policy', 'quick', '--yes'];

describe.skipIf(need.skip)('what nodes keep after many rollouts', () => {
  let fleet: LabFleet;
  let nodes: string[];
  const bundles = async (node: string): Promise<string[]> =>
    (await readdir(join(fleet.lab, 'nodes', node, 'var/lib/edgectl/store/lab-runtime'))).sort();

  beforeAll(async () => {
    fleet = await labFleet(2);
    nodes = Object.keys(await fleet.versions());
  });
  afterAll(async () => fleet?.close());

  it('is taken away by node gc but for what is committed, the way back and the adopted build', async () => {
    let run = '';
    for (const version of ['1.1.0', '1.2.0', '1.1.0', '1.2.0']) {
      await fleet.want(version);
      const done = await fleet.json(...rollout);
      expect(done.exitCode, JSON.stringify(done.envelope.result?.nodes)).toBe(0);
      run = done.envelope.runId as string;
    }
    const generations = async (): Promise<number> =>
      (await readdir(join(fleet.lab, 'nodes', nodes[0] as string, 'var/lib/edgectl/gen'))).filter((name) =>
        /^\d+$/.test(name),
      ).length;
    const before = await generations();
    expect(before).toBeGreaterThan(4);
    const dry = await fleet.json('node', 'gc', '--on', 'all', '--dry-run');
    expect([dry.exitCode, await generations()]).toEqual([0, before]);
    const swept = await fleet.json('node', 'gc', '--on', 'all', '--yes');
    expect(swept.exitCode, JSON.stringify(swept.envelope)).toBe(0);
    expect(await generations()).toBe(4);
    for (const node of nodes)
      expect(await bundles(node), node).toEqual([
        expect.stringMatching(/^0-adopted-/),
        expect.stringMatching(/^1\.1\.0-/),
        expect.stringMatching(/^1\.2\.0-/),
      ]);
    const back = await fleet.json('rollback', run, '--yes');
    expect(back.exitCode, JSON.stringify(back.envelope)).toBe(0);
    expect(await fleet.versions()).toEqual(Object.fromEntries(nodes.map((node) => [node, '1.1.0'])));
  });
});
