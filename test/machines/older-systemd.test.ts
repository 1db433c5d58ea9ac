import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import { Operator } from '../helpers/machines-operator.js';
import { machinesNeed, testMachines } from '../helpers/machines.js';

describe.skipIf(machinesNeed.skip)('a machine with the systemd of Debian 12', () => {
  let lab: MachinesLab;
  let operator: Operator;
  beforeAll(async () => {
    lab = await testMachines({ count: 1, prefix: 'older', suite: 'bookworm' });
    operator = new Operator(lab);
    await operator.takeOver({ prepare: false });
  });
  afterAll(() => lab.stop());

  it('is looked at, prepared, found well, and given back with nothing left', async () => {
    const { nodes } = await operator.must<{ nodes: object[] }>('fleet', 'check', '--live', '--login', 'root');
    expect(nodes).toMatchObject([{ ok: true, system: expect.stringMatching(/^debian 12 .*systemd 252/u) }]);
    await operator.must('node', 'prepare', '--all', '--login', 'root', '--yes');
    const { checks } = await operator.must<{ checks: { id: string; state: string }[] }>('node', 'doctor', 'older-001');
    expect(checks.filter(({ state }) => state === 'bad')).toEqual([]);
    expect(checks.some(({ id }) => id.startsWith('node:'))).toBe(true);
    await operator.must('node', 'eject', '--all', '--yes');
    const [machine] = lab.nodes;
    expect(await machine?.sh('find / /run -xdev -iname "*edgectl*" -not -path "/proc/*" -not -path "/var/log/*"')).toBe(
      '',
    );
  });
});
