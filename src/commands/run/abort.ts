import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { findRun, withJournal } from '../../cli/journal.js';
import { abortRun } from '../../cli/run-record.js';

export default class RunAbort extends BaseCommand<typeof RunAbort> {
  static override summary = 'End a run: no new step starts, and it is not resumed.';
  static override description =
    'A process that works on the run hears of it within seconds and lets what is in flight finish. Nodes that are done stay as they are: edgectl rollback undoes them.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 01JD8QAZ0Y5V9W3K7M2N4P6R8T',
    '<%= config.bin %> <%= command.id %> last --yes --json',
  ];
  static override changing = true;
  static override args = {
    run: Args.string({ required: true, description: 'Run id, the beginning of one, or last.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { io, clock } = this;
    return await withJournal({ fleet, io, clock }, async (journal) => {
      const run = await findRun(journal, this.args.run);
      await this.confirm(`Abort run ${run.id} (${run.state})?`);
      const { state, holder } = await abortRun(journal, run);
      const text = holder
        ? `Asked ${holder.owner} on ${holder.host} (pid ${holder.pid}) to abort run ${run.id}; what is in flight finishes first.`
        : `Run ${run.id} is aborted. Nothing was in flight from here.`;
      return { data: { run: run.id, state, holder }, runId: run.id, text: () => text };
    });
  }
}
