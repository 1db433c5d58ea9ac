import { Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { withJournal } from '../../cli/journal.js';
import { holderOf } from '../../cli/run-record.js';
import { age } from '../../render/units.js';

export default class RunList extends BaseCommand<typeof RunList> {
  static override summary = 'List the runs that this computer knows of, newest first.';
  static override description =
    'Reads the journal only; contacts no node. Runs of other computers are on the nodes: edgectl journal rebuild.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --limit 5 --json',
    '<%= config.bin %> <%= command.id %> -o name',
  ];
  static override flags = {
    limit: Flags.integer({ default: 20, min: 1, max: 1000, summary: 'At most so many.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { io, clock } = this;
    const runs = await withJournal({ fleet, io, clock, lookOnly: true }, async (journal) => {
      const records = await journal.runs.list(this.flags.limit);
      return await Promise.all(records.map(async (run) => ({ ...run, holder: await holderOf(journal, run.id) })));
    });
    return {
      data: { runs },
      text: (ui) =>
        runs.length === 0
          ? `No run of ${fleet.name} is in this computer's journal.`
          : ui.table(
              ['run', 'kind', 'state', 'started', { title: 'message', shrink: true }],
              runs.map((run) => [
                run.id,
                run.kind,
                run.state,
                age(clock.now() - Date.parse(run.startedAt)),
                run.message,
              ]),
            ),
    };
  }
}
