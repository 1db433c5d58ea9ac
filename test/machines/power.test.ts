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
const need = genuineNeed();

describe.skipIf(need.skip)('power cuts on a machine whose state is an ext4 image of its own', () => {
  let lab: MachinesLab;
  let benches: CutBench[];
  const queue: ((bench: CutBench) => Promise<void>)[] = [];

  /** The cuts of all tests are spread over the machines; each test waits for its own. */
  const onAnyMachine = <T>(work: (bench: CutBench) => Promise<T>): (() => Promise<T>) => {
    let settle: { resolve: (value: T) => void; reject: (error: unknown) => void };
    const outcome = new Promise<T>((resolve, reject) => {
      settle = { resolve, reject };
    });
    outcome.catch(() => undefined);
    queue.push((bench) => work(bench).then(settle.resolve, settle.reject));
    return () => outcome;
  };

  beforeAll(async () => {
    lab = await testMachines({ count: 2, stateImageMiB: 512 });
    const signer = await Signer.create(lab.dir);
    const bundles = await genuineBundles(signer);
    benches = lab.nodes.map((machine) => new CutBench(machine, signer, bundles));
    await Promise.all(
      benches.map(async (bench) => {
        await prepareMachine(bench.machine, signer, { labKit: true });
        await bench.makeReady();
      }),
    );
    for (const bench of benches)
      void (async () => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) await next(bench);
      })();
  });
  afterAll(() => lab.stop());

  const whole = (after: AfterCut): void => {
    expect(after.committed).not.toBe('mixed');
    expect(after.running).toBe(after.committed);
    expect(after.stable).toBe(true);
    expect(after.denied).toBe(0);
    if (after.acknowledged) expect(after.committed).toBe('new');
    if (after.pointer !== undefined) expect(after.pointer).toMatch(/^gen\/\d+$/);
  };

  for (const failpoint of staging) {
    const result = onAnyMachine((bench) => bench.cutAt(failpoint));
    it(`cut while staging, at failpoint ${failpoint}: boots on the old versions`, async () => {
      const { pointer, ...after } = await result();
      expect(pointer).toBe('');
      whole(after);
      expect(after.committed).toBe('old');
    });
  }

  const resumed = onAnyMachine(async (bench) => {
    await bench.cutAt(4);
    return { retried: await bench.again(), then: await bench.look() };
  });
  it('goes on with the same run after a cut while staging', async () => {
    const { retried, then } = await resumed();
    expect(retried.state).toBe('COMMIT');
    expect(then).toEqual({ committed: 'new', running: 'new' });
  });

  for (const failpoint of trial) {
    const result = onAnyMachine((bench) => bench.cutAt(failpoint));
    it(`cut in the transaction, at failpoint ${failpoint}: boots on the old versions and says that it was the power`, async () => {
      const after = await result();
      whole(after);
      expect(after.committed).toBe('old');
      expect(after.acknowledged).toBe(false);
      expect([after.tx?.state, after.tx?.why]).toEqual([
        failpoint === 6 ? expect.stringMatching(/ABORT|REVERTED/) : 'REVERTED',
        'power',
      ]);
    });
  }

  const between = onAnyMachine((bench) => bench.cutAt(14));
  it('cut between the rename and its sync, at failpoint 14: old or new, never in between, and nothing was acknowledged', async () => {
    const after = await between();
    whole(after);
    expect(after.acknowledged).toBe(false);
  });

  for (const failpoint of decided) {
    const result = onAnyMachine((bench) => bench.cutAt(failpoint));
    it(`cut behind the decision, at failpoint ${failpoint}: boots on the new versions and closes the journal`, async () => {
      const after = await result();
      whole(after);
      expect(after.committed).toBe('new');
      expect(after.tx?.state).toBe('COMMIT');
    });
  }

  const afterCommit = onAnyMachine((bench) => bench.cutAfterCommit());
  it('keeps a commit that it acknowledged, although the power goes at that moment', async () => {
    const after = await afterCommit();
    whole(after);
    expect(after.acknowledged).toBe(true);
    expect(after.committed).toBe('new');
  });

  const seed = Number(process.env['EDGECTL_SOAK_SEED'] ?? 20_260_101);
  const moments = Array.from({ length: randomCuts }, (_, n) => Math.floor(fraction(seed + n) * span));
  for (const [n, moment] of moments.entries()) {
    const result = onAnyMachine((bench) => bench.cutAfter(moment));
    it(`random cut ${n + 1} of ${randomCuts}, ${moment} ms after the beginning: all old or all new`, async () => {
      whole(await result());
    });
  }

  const unattended = onAnyMachine((bench) => bench.unattended());
  it('reverts by its dead-man alone when nobody confirms and the runner hangs', async () => {
    expect((await unattended()).why).toBe('deadline');
  });

  const deadless = onAnyMachine((bench) => bench.unattended(['nodeadman']));
  it('notices when the dead-man is taken out of the kit: the trial stays', async () => {
    await expect(deadless()).rejects.toThrow(/ is AWAIT /);
  });

  const nonatomic = onAnyMachine((bench) => bench.cutAt(14, ['nonatomic']));
  it('notices when the pointer is not replaced atomically: for a moment it leads nowhere', async () => {
    expect((await nonatomic()).pointer).toBe('');
  });

  const unsynced = onAnyMachine((bench) => bench.cutAfterCommit(['nosync']));
  it('notices when the syncs are taken out of the kit: an acknowledged commit is lost', async () => {
    const after = await unsynced();
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
