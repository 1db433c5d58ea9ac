import { afterEach, describe, expect, it } from 'vitest';

import { rebuildFromNodes } from '../../../src/executor/rebuild.js';
import { FakeControls, FakeFleet } from '../../helpers/fake-fleet.js';
import { makePlan, NEW } from '../../helpers/make-plan.js';

describe('rebuilding a journal from the nodes', { timeout: 60_000 }, () => {
  let fleet: FakeFleet;
  afterEach(async () => fleet.close());

  it('writes down what each node says, and the run is gone on with from there', async () => {
    fleet = await FakeFleet.make(['committed', 'crashed', 'has-it', 'in-trial', 'off', 'untouched']);
    const plan = makePlan({
      nodes: ['committed', 'crashed', 'in-trial', 'off', 'has-it', 'untouched'],
      stage: {
        concurrency: 3,
        ramp: { start: 3, factor: 1 },
        gate: { success: 0.1, minSample: 1, maxFailed: 5, onFail: 'pause' },
      },
    });
    fleet.kit.node('crashed').behaviour = { healthyAfter: 10, crashAfter: 5 };
    fleet.kit.node('in-trial').behaviour = { healthyAfter: 30 };
    fleet.kit.node('off').offline = true;
    const controls = new FakeControls();
    const stop = fleet.clock.sleep(15_000).then(() => {
      controls.drain();
      controls.detach();
    });
    fleet.kit.node('has-it').offline = true;
    fleet.kit.node('untouched').offline = true;
    await fleet.run(plan, { controls });
    await stop;
    await fleet.crash();
    fleet.kit.node('has-it').offline = false;
    fleet.kit.node('has-it').committed = { rt: { version: '2.0', digest: NEW } };
    fleet.kit.node('untouched').offline = false;

    const journal = await fleet.journal('rebuilt.db');
    const rebuilt = await fleet.live(async () => rebuildFromNodes(plan, { journal, kit: fleet.kit }));
    expect(rebuilt).toMatchObject({ known: 3, unreachable: 1 });
    const states = Object.fromEntries((await journal.runs.nodes(plan.id)).map((node) => [node.node, node.state]));
    expect(states).toEqual({
      committed: 'succeeded',
      crashed: 'rolled_back',
      'has-it': 'noop',
      'in-trial': 'in_doubt',
      off: 'offline',
      untouched: 'planned',
    });
    expect(await journal.runs.get(plan.id)).toMatchObject({ state: 'interrupted' });

    fleet.kit.node('off').offline = false;
    expect(await fleet.run(plan)).toMatchObject({ counts: { succeeded: 4, noop: 1, rolled_back: 1 } });
    expect(fleet.kit.node('committed').commits).toHaveLength(1);
    expect(fleet.kit.node('crashed').begun).toHaveLength(1);
  });

  it('writes nothing when no node has heard of the run', async () => {
    fleet = await FakeFleet.make(['a']);
    const plan = makePlan({ nodes: ['a'] });
    const journal = await fleet.journal();
    expect(await rebuildFromNodes(plan, { journal, kit: fleet.kit })).toMatchObject({ known: 0 });
    expect(await journal.runs.list()).toEqual([]);
  });
});
