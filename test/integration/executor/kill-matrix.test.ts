import { afterAll, describe, expect, it } from 'vitest';

import type { BoundaryPoint } from '../../../src/executor/types.js';
import type { Plan } from '../../../src/plan/types.js';
import { FakeFleet } from '../../helpers/fake-fleet.js';
import { makePlan, NEW, OLD } from '../../helpers/make-plan.js';

interface Scenario {
  name: string;
  plan: Plan;
  /** What happens on the nodes meanwhile. */
  weather?: (fleet: FakeFleet) => void;
  actions: readonly string[];
  /** Transactions that may be begun on one node. */
  begun: number;
}

const runtime = ['runtime.stage', 'runtime.trial', 'runtime.confirm'];
const scenarios: readonly Scenario[] = [
  { name: 'an update', plan: makePlan({ nodes: ['a'] }), actions: runtime, begun: 1 },
  { name: 'two nodes at once', plan: makePlan({ nodes: ['a', 'b'] }), actions: runtime, begun: 1 },
  {
    name: 'a node that was not seen before',
    plan: makePlan({ nodes: ['a'], intents: ['a'] }),
    actions: runtime,
    begun: 1,
  },
  { name: 'a rollback', plan: makePlan({ nodes: ['a'], kind: 'rollback' }), actions: runtime, begun: 1 },
  {
    name: 'an update whose answers to run and confirm are lost',
    plan: makePlan({ nodes: ['a'] }),
    weather: (fleet) => {
      fleet.kit.node('a').faults = ['run', 'confirm'].map((verb) => ({ verb, how: 'lose-answer' as const, times: 1 }));
    },
    actions: runtime,
    begun: 1,
  },
  {
    name: 'an update with a power cut in its trial',
    plan: makePlan({ nodes: ['a'] }),
    weather: (fleet) => void fleet.clock.sleep(4000).then(() => fleet.kit.node('a').powerCut()),
    actions: runtime,
    begun: 2,
  },
  { name: 'an ejection', plan: makePlan({ nodes: ['a'], kind: 'eject' }), actions: ['node.eject'], begun: 0 },
  {
    name: 'the lifting of a denied bundle',
    plan: makePlan({ nodes: ['a'], kind: 'undeny' }),
    actions: ['runtime.undeny'],
    begun: 0,
  },
];
const points: readonly BoundaryPoint[] = [
  'before-intent',
  'after-intent',
  'after-send',
  'after-answer',
  'before-result',
  'after-result',
];

async function makeFleet(scenario: Scenario): Promise<FakeFleet> {
  const fleet = await FakeFleet.make(scenario.plan.nodes.map((node) => node.id));
  scenario.weather?.(fleet);
  return fleet;
}

/** Every boundary that an undisturbed run passes, in its order. */
async function boundariesOf(scenario: Scenario): Promise<{ point: BoundaryPoint; action: string }[]> {
  const fleet = await makeFleet(scenario);
  const passed: { point: BoundaryPoint; action: string }[] = [];
  try {
    const end = await fleet.runUntil(scenario.plan, (point, at) => void passed.push({ point, action: at.action }));
    expect(end).toMatchObject({ state: 'succeeded', exitCode: 0 });
    return passed;
  } finally {
    await fleet.close();
  }
}

describe('an operator who is killed', () => {
  const tally = { cases: 0, survivors: 0 };
  afterAll(() => {
    process.stdout.write(
      `kill matrix of the operator: ${tally.cases} boundaries, ${tally.survivors} resumed with nothing repeated\n`,
    );
  });

  it.each(scenarios)(
    'resumes $name from every boundary of the journal, and repeats nothing that was committed',
    async (scenario) => {
      const boundaries = await boundariesOf(scenario);
      for (const action of scenario.actions) {
        const seen = new Set(
          boundaries.filter((boundary) => boundary.action === action).map((boundary) => boundary.point),
        );
        expect([...seen].sort()).toEqual([...points].sort());
      }
      for (let kill = 1; kill <= boundaries.length; kill += 1) {
        tally.cases += 1;
        const fleet = await makeFleet(scenario);
        let passed = 0;
        const where = `killed at boundary ${kill}: ${JSON.stringify(boundaries[kill - 1])}`;
        const end = await fleet.runUntil(scenario.plan, () => ((passed += 1) === kill ? Promise.resolve() : undefined));
        expect(end, where).toBe('killed');
        const commitsBefore = [...fleet.kit.nodes.values()].map((node) => node.commits.length);
        expect(await fleet.run(scenario.plan), where).toMatchObject({ state: 'succeeded', exitCode: 0 });
        for (const [index, node] of [...fleet.kit.nodes.values()].entries()) {
          if (scenario.plan.kind !== 'undeny') expect(node.commits.length, where).toBe(1);
          expect(node.begun.length, where).toBeLessThanOrEqual(scenario.begun);
          expect(new Set(node.begun).size, where).toBe(node.begun.length);
          expect(node.commits.length, where).toBeGreaterThanOrEqual(commitsBefore[index] ?? 0);
          if (scenario.begun > 0) expect(node.committed['rt']?.digest, where).toBe(NEW);
          else expect(node.committed['rt']?.digest, where).toBe(OLD);
        }
        await fleet.close();
        tally.survivors += 1;
      }
    },
    120_000,
  );
});
