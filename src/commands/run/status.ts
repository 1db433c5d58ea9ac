import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { findRun, withJournal } from '../../cli/journal.js';
import type { Journal } from '../../journal/journal.js';
import { nodeOfRun, statusOfRun } from '../../cli/run-record.js';
import { renderNodeStatus, renderRunStatus } from '../../render/run-status.js';

export default class RunStatus extends BaseCommand<typeof RunStatus> {
  static override summary = 'Show how far a run is, who is not where they should be, and what to do next.';
  static override description =
    'Reads the journal only; contacts no node. With --detailed-exitcode the exit code is the run’s own, else 0.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> 01JD8QAZ0Y5V9W3K7M2N4P6R8T --json',
    '<%= config.bin %> <%= command.id %> last --node pos-genoa-009',
    '<%= config.bin %> <%= command.id %> --watch',
  ];
  static override args = {
    run: Args.string({ default: 'last', description: 'Run id, the beginning of one, or last.' }),
  };
  static override flags = {
    node: Flags.string({ helpValue: 'NODE', summary: 'Everything about one node of the run, with its log.' }),
    watch: Flags.boolean({
      char: 'w',
      exclusive: ['node'],
      summary: 'Draw the run, from this or another terminal, until nobody works on it any more.',
    }),
    'detailed-exitcode': Flags.boolean({ summary: 'End with the exit code of the run.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { io, clock } = this;
    const { node } = this.flags;
    return await withJournal({ fleet, io, clock, lookOnly: true }, async (journal) => {
      if (node !== undefined) {
        const { run, record, attempts } = await nodeOfRun(journal, this.args.run, node);
        const data = { run, ...record, attempts };
        return { data, runId: run, text: (ui) => renderNodeStatus(record, attempts, ui, clock.now()) };
      }
      if (this.flags.watch) await this.#watch(journal);
      const status = await statusOfRun(journal, this.args.run);
      const exitCode = this.flags['detailed-exitcode'] ? (status.exitCode ?? 0) : 0;
      return { data: status, runId: status.run, exitCode, text: (ui) => renderRunStatus(status, ui, clock.now()) };
    });
  }

  /** Draws what the journal hears until the run has no holder, or the person has seen enough. */
  async #watch(journal: Journal): Promise<void> {
    const [{ followRun }, { createRunReporter }, { systemRunClock }] = await Promise.all([
      import('../../cli/follow-run.js'),
      import('../../render/reporter.js'),
      import('../../executor/clock.js'),
    ]);
    const { io, clock, signal, format } = this;
    const { stderr, stdout, stderrIsTTY: redraw } = io;
    const { id } = await findRun(journal, this.args.run);
    const reporter = createRunReporter({ stderr, stdout, redraw, format, ui: await this.ui('stderr'), clock });
    reporter.view.watching = true;
    try {
      for await (const event of followRun(journal, id, { clock: systemRunClock, signal, wait: true }))
        reporter.sink(event);
    } finally {
      await reporter.close();
    }
  }
}
