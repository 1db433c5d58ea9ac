import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { findRun, withJournal } from '../../cli/journal.js';
import { holderOf } from '../../cli/run-record.js';
import { EdgectlError } from '../../errors/error.js';

export default class RunPause extends BaseCommand<typeof RunPause> {
  static override summary = 'Pause a run that a process on this computer works on.';
  static override description =
    'No new step starts, what is in flight finishes, and the process ends with exit code 6. Nothing is undone; edgectl resume goes on.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 01JD8QAZ0Y5V9W3K7M2N4P6R8T',
    '<%= config.bin %> <%= command.id %> last --json',
  ];
  static override args = {
    run: Args.string({ required: true, description: 'Run id, the beginning of one, or last.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { io, clock } = this;
    return await withJournal({ fleet, io, clock }, async (journal) => {
      const run = await findRun(journal, this.args.run);
      const holder = await holderOf(journal, run.id);
      if (holder === null || holder === undefined) {
        throw new EdgectlError('RUN_STATE', {
          message: `No process on this computer works on run ${run.id}; it is ${run.state.replaceAll('_', ' ')}.`,
          hint: `edgectl run status ${run.id}`,
        });
      }
      await journal.runs.request(run.id, 'pause');
      const text = `Asked ${holder.owner} on ${holder.host} (pid ${holder.pid}) to pause run ${run.id}. Go on with:  edgectl resume ${run.id}`;
      return { data: { run: run.id, holder }, runId: run.id, text: () => text };
    });
  }
}
