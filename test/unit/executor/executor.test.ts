import { afterEach, describe, expect, it } from 'vitest';

import { FakeControls, FakeFleet } from '../../helpers/fake-fleet.js';
import { makePlan, NEW, NEWER, OLD } from '../../helpers/make-plan.js';

const names = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `n${String(index).padStart(2, '0')}`);

describe('the executor', { timeout: 60_000 }, () => {
  let fleet: FakeFleet;
  afterEach(async () => fleet.close());

  it('takes every node to the new bundle, the first one alone', async () => {
    fleet = await FakeFleet.make(names(6));
    const plan = makePlan({ nodes: names(6), stages: { canary: 2, rest: 4 }, stage: { first: 1 } });
    const result = await fleet.run(plan);
    expect(result).toMatchObject({ state: 'succeeded', exitCode: 0, counts: { succeeded: 6 } });
    for (const id of names(6)) expect(fleet.kit.node(id).committed['rt']?.digest).toBe(NEW);
    const order = fleet.events.flatMap((event) =>
      event.type === 'node-state' && event.to === 'succeeded' ? [event.node] : [],
    );
    expect(order[0]).toBe('n00');
    const firstDone = fleet.events.findIndex((event) => event.type === 'node-state' && event.to === 'succeeded');
    const others = fleet.events
      .slice(0, firstDone)
      .filter((event) => event.type === 'step-started' && event.node !== 'n00');
    expect(others).toEqual([]);
  });

  it('does nothing the second time the same plan is applied', async () => {
    fleet = await FakeFleet.make(names(2));
    const plan = makePlan({ nodes: names(2) });
    await fleet.run(plan);
    fleet.kit.calls.length = 0;
    expect(await fleet.run(plan)).toMatchObject({ state: 'succeeded', exitCode: 0 });
    expect(fleet.kit.calls).toEqual([]);
  });

  it('marks a node that has the bundle already as noop, without a lease', async () => {
    fleet = await FakeFleet.make(names(2));
    fleet.kit.node('n00').committed = { rt: { version: '2.0', digest: NEW } };
    expect(await fleet.run(makePlan({ nodes: names(2) }))).toMatchObject({
      exitCode: 0,
      counts: { noop: 1, succeeded: 1 },
    });
    expect(fleet.kit.calls.filter((call) => call.node === 'n00').map((call) => call.verb)).toEqual(['status']);
  });

  it('defers an offline node, and resuming brings it to the frozen digest', async () => {
    fleet = await FakeFleet.make(names(3));
    fleet.kit.node('n01').offline = true;
    const plan = makePlan({ nodes: names(3) });
    expect(await fleet.run(plan)).toMatchObject({
      state: 'succeeded_with_stragglers',
      exitCode: 3,
      counts: { offline: 1, succeeded: 2 },
    });
    fleet.kit.node('n01').offline = false;
    expect(await fleet.run(plan)).toMatchObject({ state: 'succeeded', exitCode: 0 });
    expect(fleet.kit.node('n01').committed['rt']?.digest).toBe(NEW);
  });

  it('halts at the gate when the canary reverts, and touches nobody else', async () => {
    fleet = await FakeFleet.make(names(5));
    fleet.kit.node('n00').behaviour = { healthyAfter: 10, crashAfter: 5 };
    const result = await fleet.run(makePlan({ nodes: names(5), stages: { canary: 1, rest: 4 } }));
    expect(result).toMatchObject({ state: 'halted', exitCode: 5, counts: { rolled_back: 1, planned: 4 } });
    expect(fleet.kit.calls.filter((call) => call.node !== 'n00')).toEqual([]);
    expect(fleet.kit.node('n00').begun).toHaveLength(1);
  });

  it('exits 1 for one reverted node under a passing gate, and 0 when the policy allows one', async () => {
    for (const [maxFailed, exitCode] of [
      [0, 1],
      [1, 0],
    ] as const) {
      fleet = await FakeFleet.make(names(4));
      fleet.kit.node('n02').behaviour = { healthyAfter: 10, crashAfter: 5 };
      const plan = makePlan({
        nodes: names(4),
        stage: { gate: { success: 0.5, minSample: 1, maxFailed: 1, onFail: 'pause' } },
        policy: { maxFailed },
      });
      expect(await fleet.run(plan)).toMatchObject({
        state: 'succeeded_with_stragglers',
        exitCode,
        counts: { rolled_back: 1, succeeded: 3 },
      });
      if (maxFailed === 0) await fleet.close();
    }
  });

  it('tries a trial that reverted for power again, three times at most', async () => {
    fleet = await FakeFleet.make(['n00']);
    const node = fleet.kit.node('n00');
    let cuts = 0;
    const cut = (async () => {
      while (cuts < 3) {
        await fleet.clock.sleep(3000);
        if (node.begun.length > cuts) {
          cuts += 1;
          node.powerCut();
        }
      }
    })();
    const result = await fleet.run(makePlan({ nodes: ['n00'] }));
    await cut;
    expect(result).toMatchObject({ counts: { rolled_back: 1 }, state: 'halted' });
    expect(node.begun.map((step) => step.split('/').at(-1))).toEqual(['1', '2', '3']);
  });

  it('commits on the second attempt after one power cut', async () => {
    fleet = await FakeFleet.make(['n00']);
    const node = fleet.kit.node('n00');
    const cut = fleet.clock.sleep(3000).then(() => node.powerCut());
    expect(await fleet.run(makePlan({ nodes: ['n00'] }))).toMatchObject({ state: 'succeeded', exitCode: 0 });
    await cut;
    expect(node.commits).toHaveLength(1);
    expect(node.commits[0]).toMatch(/\/2\/2$/);
  });

  it.each(['run', 'confirm', 'status'])(
    'asks the node when the answer to %s is lost, and repeats nothing',
    async (verb) => {
      fleet = await FakeFleet.make(['n00']);
      const node = fleet.kit.node('n00');
      node.faults = [{ verb, how: 'lose-answer', times: 1 }];
      const plan = makePlan({ nodes: ['n00'], stage: { offline: { mode: 'wait', max: 5 } } });
      expect(await fleet.run(plan)).toMatchObject({ state: 'succeeded', exitCode: 0 });
      expect(node.begun).toHaveLength(1);
      expect(node.commits).toHaveLength(1);
      const doubted = fleet.events.some((event) => event.type === 'node-state' && event.to === 'in_doubt');
      expect(doubted).toBe(verb !== 'status');
    },
  );

  it('calls a garbled answer to a changing call in doubt, never failed', async () => {
    fleet = await FakeFleet.make(['n00']);
    fleet.kit.node('n00').faults = [{ verb: 'confirm', how: 'garble', times: 1 }];
    expect(await fleet.run(makePlan({ nodes: ['n00'] }))).toMatchObject({ state: 'succeeded' });
    const states = fleet.events.flatMap((event) => (event.type === 'node-state' ? [event.to] : []));
    expect(states).toContain('in_doubt');
    expect(states).not.toContain('failed');
  });

  it('waits in doubt until the node deadline when the network of a node is cut in its trial, and tells the truth after it returns', async () => {
    fleet = await FakeFleet.make(names(2));
    const node = fleet.kit.node('n00');
    const cut = fleet.clock.sleep(4000).then(() => (node.offline = true));
    const plan = makePlan({
      nodes: names(2),
      stage: { nodeDeadlineMs: 300_000, gate: { success: 0.5, minSample: 1, maxFailed: 1, onFail: 'pause' } },
    });
    const first = await fleet.run(plan);
    await cut;
    expect(first).toMatchObject({ counts: { timed_out: 1, succeeded: 1 }, exitCode: 1 });
    node.offline = false;
    const second = await fleet.run(plan);
    expect(second).toMatchObject({ state: 'succeeded', exitCode: 0 });
    const told = fleet.events.filter(
      (event) =>
        event.type === 'step-finished' &&
        event.node === 'n00' &&
        event.outcome.why === 'deadline' &&
        event.outcome.state === 'rolled_back',
    );
    expect(told).toHaveLength(1);
    expect(node.commits).toHaveLength(1);
  });

  it('marks a node stale that is unlike the plan on both sides, and superseded when a newer run did that', async () => {
    fleet = await FakeFleet.make(names(3));
    fleet.kit.node('n00').committed = { rt: { version: '9', digest: 'd'.repeat(64) } };
    await fleet.run(makePlan({ nodes: ['n01'], to: NEWER, run: 2 }));
    const result = await fleet.run(makePlan({ nodes: names(3), policy: { maxStale: 1 } }));
    expect(result.nodes.map((node) => node.state)).toEqual(['stale', 'superseded', 'succeeded']);
    expect(fleet.kit.node('n01').committed['rt']?.digest).toBe(NEWER);
  });

  it('stops with 8 when more nodes are stale than the policy allows', async () => {
    fleet = await FakeFleet.make(names(3));
    for (const id of names(2)) fleet.kit.node(id).committed = { rt: { version: '9', digest: 'd'.repeat(64) } };
    expect(await fleet.run(makePlan({ nodes: names(3) }))).toMatchObject({ state: 'halted', exitCode: 8 });
  });

  it('leaves a node alone whose lease another run holds, and exits 9 when that is all of them', async () => {
    fleet = await FakeFleet.make(names(2));
    const hold = (id: string): void => {
      fleet.kit.node(id).handle({
        verb: 'lease',
        fields: { op: 'take', run: 'OTHER', owner: 'bo', host: 'ci', ttl: '9000' },
        timeoutMs: 1,
      });
    };
    hold('n00');
    const plan = makePlan({ nodes: names(2) });
    const first = await fleet.run(plan);
    expect(first).toMatchObject({ exitCode: 3, counts: { blocked: 1, succeeded: 1 } });
    expect(first.nodes[0]?.message).toMatch(/OTHER of bo on ci/);
    await fleet.close();
    fleet = await FakeFleet.make(names(2));
    names(2).forEach(hold);
    expect(await fleet.run(plan)).toMatchObject({ exitCode: 9, counts: { blocked: 2 } });
  });

  it('stages again on a node whose disk was full, once a person asks for it', async () => {
    fleet = await FakeFleet.make(names(30));
    fleet.kit.node('n29').full = true;
    const plan = makePlan({ nodes: names(30) });
    expect((await fleet.run(plan)).nodes[29]).toMatchObject({ state: 'failed', why: 'NO_SPACE' });
    fleet.kit.node('n29').full = false;
    expect((await fleet.run(plan)).nodes[29]).toMatchObject({ state: 'failed' });
    const retried = await fleet.run(plan, { retry: new Set(['n29']) });
    expect(retried.nodes[29]).toMatchObject({ state: 'succeeded' });
    expect(fleet.kit.node('n29').committed['rt']?.digest).toBe(NEW);
  });

  it('reports a vetoed node as blocked with its reason, and takes it when the veto is gone', async () => {
    fleet = await FakeFleet.make(names(2));
    fleet.kit.node('n01').behaviour = { healthyAfter: 10, veto: 'till is open' };
    const plan = makePlan({ nodes: names(2) });
    const first = await fleet.run(plan);
    expect(first).toMatchObject({
      exitCode: 3,
      nodes: [{ state: 'succeeded' }, { state: 'blocked', why: 'veto', message: 'till is open' }],
    });
    fleet.kit.node('n01').behaviour = { healthyAfter: 10 };
    expect(await fleet.run(plan)).toMatchObject({ state: 'succeeded', exitCode: 0 });
  });

  it('exits 4 when refusals are all that happened, and 1 when one key of many is bad', async () => {
    for (const [bad, exitCode] of [
      [['n00', 'n01'], 4],
      [['n00'], 1],
    ] as const) {
      fleet = await FakeFleet.make(names(2));
      for (const id of bad) fleet.kit.node(id).faults = [{ how: 'host-key', times: 99 }];
      expect(await fleet.run(makePlan({ nodes: names(2) }))).toMatchObject({ exitCode });
      if (exitCode === 4) await fleet.close();
    }
  });

  it('compiles a node that was not seen at plan time at first contact, and journals that', async () => {
    fleet = await FakeFleet.make(names(3));
    fleet.kit.node('n01').committed = { rt: { version: '2.0', digest: NEW } };
    const plan = makePlan({ nodes: names(3), intents: ['n00', 'n01'] });
    expect(await fleet.run(plan)).toMatchObject({ state: 'succeeded', counts: { succeeded: 2, noop: 1 } });
    const journal = await fleet.journal();
    expect([...(await journal.attempts.amendments(plan.id, plan.digest)).keys()]).toEqual(['n00']);
  });

  it('keeps at most one node of a site down, and a failed one that cannot be reached keeps its place', async () => {
    fleet = await FakeFleet.make(names(4));
    const sites = { n00: 'a', n01: 'a', n02: 'b', n03: 'b' };
    const down = new Set<string>();
    let worst = 0;
    const plan = makePlan({ nodes: names(4), sites, stage: { budget: { groupBy: 'site', maxUnavailable: 1 } } });
    const result = await fleet.run(plan, {
      sink: (event) => {
        if (event.type !== 'node-state') return;
        if (event.to === 'applying') down.add(event.node);
        else down.delete(event.node);
        worst = Math.max(worst, [...down].filter((id) => sites[id as 'n00'] === 'a').length);
      },
    });
    expect(result.exitCode).toBe(0);
    expect(worst).toBe(1);
    await fleet.close();
    fleet = await FakeFleet.make(names(4));
    const cut = fleet.clock.sleep(4000).then(() => (fleet.kit.node('n00').offline = true));
    const held = makePlan({
      nodes: names(4),
      sites,
      stage: {
        nodeDeadlineMs: 100_000,
        budget: { groupBy: 'site', maxUnavailable: 1 },
        gate: { success: 0.1, minSample: 1, maxFailed: 2, onFail: 'pause' },
      },
    });
    const second = await fleet.run(held);
    await cut;
    expect(second.nodes.map((node) => [node.state, node.why])).toMatchObject([
      ['timed_out', 'deadline'],
      ['blocked', 'budget'],
      ['succeeded', undefined],
      ['succeeded', undefined],
    ]);
  });

  it('never promotes a stage that could not be judged', async () => {
    fleet = await FakeFleet.make(names(4));
    for (const id of names(2)) fleet.kit.node(id).offline = true;
    const result = await fleet.run(makePlan({ nodes: names(4), stages: { canary: 2, rest: 2 } }));
    expect(result).toMatchObject({ state: 'halted', exitCode: 5, counts: { offline: 2, planned: 2 } });
    expect(fleet.events.find((event) => event.type === 'gate')).toMatchObject({
      verdict: 'inconclusive',
      passed: false,
    });
  });

  it('halts when more nodes are offline than the stage allows', async () => {
    fleet = await FakeFleet.make(names(4));
    for (const id of ['n00', 'n01']) fleet.kit.node(id).offline = true;
    const result = await fleet.run(
      makePlan({
        nodes: names(4),
        stage: { concurrency: 1, ramp: { start: 1, factor: 1 }, offline: { mode: 'defer', max: 1 } },
      }),
    );
    expect(result).toMatchObject({ state: 'halted', exitCode: 5, counts: { offline: 2, planned: 2 } });
  });

  it('soaks from the last success, and counts a node that falls back meanwhile', async () => {
    fleet = await FakeFleet.make(names(2));
    const fall = fleet.clock
      .sleep(60_000)
      .then(() => fleet.kit.node('n01').fallBack({ rt: { version: '1.0', digest: OLD } }));
    const result = await fleet.run(makePlan({ nodes: names(2), stage: { soakMs: 600_000 } }));
    await fall;
    expect(result).toMatchObject({ state: 'halted', exitCode: 5, counts: { succeeded: 1, reverted_later: 1 } });
    expect(fleet.clock.monotonic()).toBeGreaterThanOrEqual(600_000);
  });

  it('rolls back what it committed when the gate says so, and never exits 0', async () => {
    fleet = await FakeFleet.make(names(3));
    fleet.kit.node('n02').behaviour = { healthyAfter: 10, crashAfter: 5 };
    const plan = makePlan({
      nodes: names(3),
      stage: {
        concurrency: 1,
        ramp: { start: 1, factor: 1 },
        gate: { success: 0.9, minSample: 1, maxFailed: 0, onFail: 'rollback' },
      },
    });
    const back = makePlan({ nodes: ['n00', 'n01'], run: 2, kind: 'rollback', from: NEW, to: OLD });
    const asked: string[][] = [];
    const result = await fleet.run(plan, {
      planRollback: async ({ nodes }) => {
        asked.push([...nodes]);
        return back;
      },
    });
    expect(asked).toEqual([['n00', 'n01']]);
    expect(result).toMatchObject({ state: 'rolled_back', exitCode: 7, counts: { rolled_back: 3 } });
    for (const id of names(3)) expect(fleet.kit.node(id).committed['rt']?.digest).toBe(OLD);
    await expect(fleet.run(plan)).rejects.toMatchObject({ code: 'RUN_STATE' });
  });

  it('drains at the first signal: what is open is confirmed, nothing new starts', async () => {
    fleet = await FakeFleet.make(names(4));
    const controls = new FakeControls();
    const stop = fleet.clock.sleep(5000).then(() => controls.drain());
    const plan = makePlan({ nodes: names(4), stage: { concurrency: 2, ramp: { start: 2, factor: 1 } } });
    const result = await fleet.run(plan, { controls });
    await stop;
    expect(result).toMatchObject({ state: 'interrupted', exitCode: 130, counts: { succeeded: 2, planned: 2 } });
    expect(await fleet.run(plan)).toMatchObject({ state: 'succeeded', exitCode: 0 });
    for (const id of names(4)) expect(fleet.kit.node(id).commits).toHaveLength(1);
  });

  it('detaches at the second signal and says how many trials revert, and when', async () => {
    fleet = await FakeFleet.make(names(3));
    const controls = new FakeControls();
    const stop = fleet.clock.sleep(5000).then(() => {
      controls.drain('SIGTERM');
      controls.detach('SIGTERM');
    });
    const plan = makePlan({ nodes: names(3) });
    const result = await fleet.run(plan, { controls });
    await stop;
    expect(result).toMatchObject({ state: 'interrupted', exitCode: 143 });
    const said = fleet.events.flatMap((event) => (event.type === 'signal' ? [event.message] : []));
    expect(said.at(-1)).toMatch(/detached; 3 trial\(s\) revert by themselves within 115 s/);
    expect(await fleet.run(plan)).toMatchObject({ state: 'succeeded', exitCode: 0 });
    for (const id of names(3)) expect(fleet.kit.node(id).commits).toHaveLength(1);
  });

  it('pauses when another process asks for it', async () => {
    fleet = await FakeFleet.make(names(3));
    const plan = makePlan({ nodes: names(3), stage: { concurrency: 1, ramp: { start: 1, factor: 1 } } });
    const ask = fleet.clock.sleep(4000).then(async () => (await fleet.journal()).runs.request(plan.id, 'pause'));
    expect(await fleet.run(plan)).toMatchObject({ state: 'paused', exitCode: 6, counts: { succeeded: 1, planned: 2 } });
    await ask;
    expect(await fleet.run(plan)).toMatchObject({ state: 'succeeded' });
  });

  it('refuses to start a plan that is past its validity, and goes on with one that the nodes have begun', async () => {
    fleet = await FakeFleet.make(names(2));
    const plan = makePlan({ nodes: names(2) });
    await fleet.elapse(2 * 3_600_000);
    await expect(fleet.run(plan)).rejects.toMatchObject({ code: 'PLAN_EXPIRED', exitCode: 8 });
    await fleet.close();
    fleet = await FakeFleet.make(names(2));
    fleet.kit.node('n01').offline = true;
    await fleet.run(plan);
    await fleet.crash();
    fleet.kit.node('n01').offline = false;
    await fleet.elapse(2 * 3_600_000);
    await fleet.journal('clean-machine.db');
    expect(await fleet.run(plan)).toMatchObject({ state: 'succeeded', exitCode: 0 });
    for (const id of names(2)) expect(fleet.kit.node(id).commits).toHaveLength(1);
  });

  it('goes on from a clean machine while a trial is open: sends it back and makes a new attempt', async () => {
    fleet = await FakeFleet.make(names(2));
    const controls = new FakeControls();
    const stop = fleet.clock.sleep(5000).then(() => {
      controls.drain();
      controls.detach();
    });
    const plan = makePlan({ nodes: names(2) });
    await fleet.run(plan, { controls });
    await stop;
    await fleet.crash();
    await fleet.journal('clean-machine.db');
    expect(await fleet.run(plan)).toMatchObject({ state: 'succeeded', exitCode: 0 });
    for (const id of names(2))
      expect(fleet.kit.node(id).begun.map((step) => step.split('/').at(-1))).toEqual(['1', '2']);
  });

  it('stops before it acts when the journal has no room, and leaves the nodes alone', async () => {
    fleet = await FakeFleet.make(names(2));
    const journal = await fleet.journal();
    Object.defineProperty(journal, 'full', { value: true });
    await expect(fleet.run(makePlan({ nodes: names(2) }))).rejects.toMatchObject({ code: 'JOURNAL_DISK_FULL' });
    expect(fleet.kit.calls).toEqual([]);
  });

  it('stops at the progress deadline, which each success resets', async () => {
    fleet = await FakeFleet.make(names(4));
    for (const id of names(4)) fleet.kit.node(id).behaviour = { healthyAfter: 50 };
    fleet.kit.node('n02').faults = [{ verb: 'adopt', how: 'hang', times: 99 }];
    const plan = makePlan({
      nodes: names(4),
      stage: { concurrency: 1, ramp: { start: 1, factor: 1 }, progressDeadlineMs: 80_000, nodeDeadlineMs: 500_000 },
    });
    const result = await fleet.run(plan);
    expect(result).toMatchObject({ state: 'halted', exitCode: 5 });
    expect(result.nodes.map((node) => node.state).slice(0, 2)).toEqual(['succeeded', 'succeeded']);
    expect(result.nodes[3]?.state).toBe('planned');
  });
});
