import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { followRun } from '../../cli/follow-run.js';
import { planOfRun, withJournal } from '../../cli/journal.js';
import { EdgectlError } from '../../errors/error.js';
import type { RunEvent } from '../../executor/events.js';
import { systemRunClock } from '../../executor/clock.js';
import { explain, renderExplanation } from '../../render/run-explain.js';

export default class RunExplain extends BaseCommand<typeof RunExplain> {
  static override summary = 'Say why a node of a run stands where it does, what happened to it, and what to type next.';
  static override description = 'Reads the journal only; contacts no node.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> last pos-genoa-009',
    '<%= config.bin %> <%= command.id %> 01JD8QAZ0Y5V9W3K7M2N4P6R8T pos-genoa-009 --json',
  ];
  static override args = {
    run: Args.string({ required: true, description: 'Run id, the beginning of one, or last.' }),
    node: Args.string({ required: true, description: 'The node.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { io, clock, signal } = this;
    const wanted = this.args.node;
    return await withJournal({ fleet, io, clock, lookOnly: true }, async (journal) => {
      const plan = await planOfRun(journal, this.args.run);
      const node = plan.nodes.find(({ id }) => id === wanted);
      if (node === undefined) {
        const message = `Run ${plan.id} has no node ${JSON.stringify(wanted)}.`;
        throw new EdgectlError('NODE_NOT_FOUND', { message, hint: `edgectl run status ${plan.id}` });
      }
      const record = (await journal.runs.nodes(plan.id)).find((one) => one.node === wanted);
      const standing = { state: node.skip?.state ?? 'planned', why: null, message: node.skip?.why ?? '' };
      const events: RunEvent[] = [];
      for await (const event of followRun(journal, plan.id, { clock: systemRunClock, signal, wait: false }))
        events.push(event);
      const data = explain(plan, node, record ?? standing);
      return { data, runId: plan.id, text: (ui) => renderExplanation(data, events, ui, clock.now()) };
    });
  }
}
