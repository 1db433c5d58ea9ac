import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import { Signer } from '../helpers/machines-authority.js';
import type { AfterCut } from '../helpers/machines-cuts.js';
import { CutBench } from '../helpers/machines-cuts.js';
import { genuineBundles, genuineNeed } from '../helpers/machines-genuine.js';
import { prepareMachine } from '../helpers/machines-prepare.js';
import { testMachines } from '../helpers/machines.js';

/** Where the kit can be held (templates/node, lab builds): staging, trial, and both sides of the one durable decision. */
const staging = [1, 2, 3, 4, 5];
const trial = [6, 7, 8, 9, 10, 11, 12, 13];
const decided = [15, 16, 17, 18];
/** Before this one nothing was switched, so there is nothing to revert. */
const switched = 8;
const randomCuts = Number(process.env['EDGECTL_SOAK_CUTS'] ?? 5);
/** From the start of a transaction with this health policy to well behind its commit, milliseconds. */
const span = 6000;
const seed = Number(process.env['EDGECTL_SOAK_SEED'] ?? 20_260_101);
const need = await genuineNeed();

describe.skipIf(need.skip)('power cuts on a machine whose state is an ext4 image of its own', () => {
  let lab: MachinesLab;
  const free: CutBench[] = [];
  const waiting: ((bench: CutBench) => void)[] = [];

  beforeAll(async () => {
    lab = await testMachines({ count: 2, stateImageMiB: 512 });
    const signer = await Signer.create(lab.dir);
    const bundles = await genuineBundles(signer);
    await Promise.all(
      lab.nodes.map(async (machine) => {
        await prepareMachine(machine, signer, { labKit: true });
        const bench = new CutBench(machine, signer, bundles);
        await bench.makeReady();
        free.push(bench);
      }),
    );
  });
  afterAll(() => lab.stop());

  /** Tests run side by side, each on a machine of its own. */
  const onOneMachine = (name: string, test: (bench: CutBench) => Promise<void>): void => {
    it.concurrent(name, async () => {
      const bench = free.pop() ?? (await new Promise<CutBench>((resolve) => waiting.push(resolve)));
      await test(bench).finally(() => {
        const next = waiting.shift();
        if (next === undefined) free.push(bench);
        else next(bench);
      });
    });
  };

  const whole = (after: AfterCut): void => {
    expect(after.committed).not.toBe('mixed');
    expect(after.running).toBe(after.committed);
    expect(after.stable).toBe(true);
    expect(after.denied).toBe(0);
    if (after.acknowledged) expect(after.committed).toBe('new');
    if (after.pointer !== undefined) expect(after.pointer).toMatch(/^gen\/\d+$/);
  };

  for (const failpoint of staging)
    onOneMachine(`cut while staging, at failpoint ${failpoint}: boots on the old versions`, async (bench) => {
      const { pointer, ...after } = await bench.cutAt(failpoint);
      expect(pointer).toBe('');
      whole(after);
      expect(after.committed).toBe('old');
    });

  onOneMachine('goes on with the same run after a cut while staging', async (bench) => {
    await bench.cutAt(4);
    expect((await bench.again()).state).toBe('COMMIT');
    expect(await bench.look()).toEqual({ committed: 'new', running: 'new' });
  });

  for (const failpoint of trial)
    onOneMachine(
      `cut in the transaction, at failpoint ${failpoint}: boots on the old versions and says that it was the power`,
      async (bench) => {
        const after = await bench.cutAt(failpoint);
        whole(after);
        expect(after.committed).toBe('old');
        expect(after.acknowledged).toBe(false);
        expect([after.tx?.state, after.tx?.why]).toEqual([failpoint < switched ? 'ABORT' : 'REVERTED', 'power']);
      },
    );

  onOneMachine(
    'cut between the rename and its sync, at failpoint 14: old or new, never in between, and nothing was acknowledged',
    async (bench) => {
      const after = await bench.cutAt(14);
      whole(after);
      expect(after.acknowledged).toBe(false);
    },
  );

  for (const failpoint of decided)
    onOneMachine(
      `cut behind the decision, at failpoint ${failpoint}: boots on the new versions and closes the journal`,
      async (bench) => {
        const after = await bench.cutAt(failpoint);
        whole(after);
        expect(after.committed).toBe('new');
        expect(after.tx?.state).toBe('COMMIT');
      },
    );

  onOneMachine('keeps a commit that it acknowledged, although the power goes at that moment', async (bench) => {
    const after = await bench.cutAfterCommit();
    whole(after);
    expect(after.acknowledged).toBe(true);
    expect(after.committed).toBe('new');
  });

  for (let n = 0; n < randomCuts; n += 1) {
    const moment = Math.floor(fraction(seed + n) * span);
    onOneMachine(
      `random cut ${n + 1} of ${randomCuts}, ${moment} ms after the beginning: all old or all new`,
      async (bench) => whole(await bench.cutAfter(moment)),
    );
  }

  onOneMachine('reverts by its dead-man alone when nobody confirms and the runner hangs', async (bench) => {
    expect((await bench.unattended()).why).toBe('deadline');
  });

  onOneMachine('notices when the dead-man is taken out of the kit: the trial stays', async (bench) => {
    await expect(bench.unattended(['nodeadman'])).rejects.toThrow(/last seen: .*state: 'AWAIT'/s);
  });

  onOneMachine('notices when the pointer is not replaced atomically: for a moment it leads nowhere', async (bench) => {
    expect((await bench.cutAt(14, ['nonatomic'])).pointer).toBe('');
  });

  onOneMachine('notices when the syncs are taken out of the kit: an acknowledged commit is lost', async (bench) => {
    const after = await bench.cutAfterCommit(['nosync']);
    expect(after.acknowledged).toBe(true);
    expect(after.committed).toBe('old');
  });
});

/** A number in [0, 1) that depends on the seed alone (mulberry32). */
function fraction(seed: number): number {
  let t = (seed + 0x6d2b79f5) | 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
