import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requires } from '../../helpers/requires.js';
import type { KitShell, SandboxNode } from '../../helpers/kit-sandbox.js';
import { createSandboxNode, must } from '../../helpers/kit-sandbox.js';

const need = requires('ssh-keygen', 'busybox', 'dash');
const shells: KitShell[] = ['dash', 'bash', 'busybox'];

describe.skipIf(need.skip).each(shells)('an update under %s', (shell) => {
  let node: SandboxNode;
  beforeAll(async () => {
    node = await createSandboxNode({ shell });
  });
  afterAll(async () => {
    await node.close();
  });

  it('says who it is', async () => {
    const answer = must(await node.call('hello'));
    expect(answer.lines[0]).toMatchObject({
      t: 'hello',
      node: node.id,
      fleet: node.signer.fleet,
      token_high: 0,
      protocol_min: 1,
    });
  });

  it('goes from the distribution’s version to a new one and is committed after its confirmation', async () => {
    const bundle = node.runtime('2.0');
    const started = await node.start(node.update([bundle]), [bundle]);
    must(started.answer);
    const waiting = await node.reach(started, 'AWAIT');
    expect(waiting.passes).toBeGreaterThanOrEqual(2);
    expect(waiting.deadline_left).toBeGreaterThan(0);
    expect(node.running()).toBe('2.0');
    expect((await node.generation()).committed_components['toy']?.version).toBe('1.0');
    const confirmed = must(await node.confirm(started));
    expect(confirmed.lines[0]).toMatchObject({ t: 'tx', state: 'COMMIT' });
    expect(confirmed.lines[0]?.['replaced']).toEqual({
      toy: { version: '1.0', digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
    });
    expect(confirmed.lines[0]?.['slice_series']).toBeGreaterThan(1000);
    const after = await node.generation();
    expect(after.committed_components['toy']).toMatchObject({ version: '2.0', digest: bundle.digest });
    expect(after.trial).toBe(false);
    expect(node.init.timers()).toEqual([]);
  });
});
