import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { followRun } from '../../cli/follow-run.js';
import { findRun, withJournal } from '../../cli/journal.js';
import { write } from '../../cli/io.js';
import { systemRunClock } from '../../executor/clock.js';
import { eventText } from '../../render/event-log.js';
import { nodeOfEvent } from '../../render/event-line.js';

export default class RunLogs extends BaseCommand<typeof RunLogs> {
  static override summary = 'Everything that a run said, in order; of one node with its steps and its log.';
  static override description =
    'Reads the journal only; contacts no node. With --follow it goes on until nobody works on the run any more. -o ndjson gives the events as they are.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> last pos-genoa-009',
    '<%= config.bin %> <%= command.id %> last --follow -o ndjson',
  ];
  static override args = {
    run: Args.string({ default: 'last', description: 'Run id, the beginning of one, or last.' }),
    node: Args.string({ description: 'Only this node.' }),
  };
  static override flags = {
    follow: Flags.boolean({ char: 'f', summary: 'Go on while somebody works on the run.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { io, clock, signal } = this;
    const { node } = this.args;
    const streams = this.forPeople || this.format === 'ndjson';
    const events: unknown[] = [];
    const run = await withJournal({ fleet, io, clock, lookOnly: true }, async (journal) => {
      const { id } = await findRun(journal, this.args.run);
      const how = { clock: systemRunClock, signal, wait: this.flags.follow };
      for await (const event of followRun(journal, id, how)) {
        if (node !== undefined && nodeOfEvent(event) !== node) continue;
        if (!streams) events.push(event);
        else if (this.format === 'ndjson') await write(io.stdout, `${JSON.stringify(event)}\n`);
        else await write(io.stdout, eventText(event, { steps: node !== undefined }));
      }
      return id;
    });
    return { data: { run, events }, rows: events, runId: run, text: () => '' };
  }
}
