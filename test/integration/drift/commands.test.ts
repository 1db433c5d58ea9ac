import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labFleet, type LabFleet } from '../../helpers/lab-fleet.js';
import { requires } from '../../helpers/requires.js';

const need = requires('ssh-keygen');

describe.skipIf(need.skip)('edgectl drift sweep and history on a lab fleet', () => {
  let fleet: LabFleet;
  let node: string;
  beforeAll(async () => {
    fleet = await labFleet(2);
    node = (await fleet.edgectl('fleet', 'list', '-o', 'name')).stdout.split('\n')[0] ?? '';
  });
  afterAll(async () => {
    await fleet.close();
  });

  it('says that a node was never seen, and how to see it', async () => {
    const { exitCode, envelope } = await fleet.json('drift', 'history', node);
    expect(exitCode).toBe(1);
    expect(envelope.error).toMatchObject({ code: 'NOT_SEEN', hint: `edgectl drift sweep ${node}` });
  });

  it('keeps what nodes are, finds nothing new the second time, and tells what an attribute was', async () => {
    const first = await fleet.json('drift', 'sweep', '--timeout', '600');
    expect(first.exitCode).toBe(0);
    expect(first.envelope.result.nodes).toHaveLength(2);
    expect(first.envelope.result.nodes[0]).toMatchObject({ seen: true, kit: true, same: 0 });
    const second = await fleet.json('drift', 'sweep', node, '--timeout', '600');
    expect(second.envelope.result.nodes).toMatchObject([{ node, seen: true, changed: 0 }]);
    expect(second.envelope.result.nodes[0].same).toBeGreaterThan(15);
    const history = await fleet.json('drift', 'history', node, 'kernel');
    const changes = history.envelope.result.changes as { attribute: string; value?: string; since: string }[];
    expect(changes.map(({ attribute }) => attribute)).toContain('kernel.release');
    const text = await fleet.edgectl('drift', 'history', node, 'os.id');
    expect(text.stdout).toMatch(/since +last seen so +attribute +value\n.*os\.id/u);
  });
});
