import { Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { freshnessFlags } from '../../cli/drift-flags.js';
import { runDriftReport } from '../../cli/drift-report.js';

export default class DriftReport extends BaseCommand<typeof DriftReport> {
  static override summary = 'Say what differs from what it should be: where, since when, how bad.';
  static override description =
    'Compares what nodes are with runtimes.yaml, desired.yaml and state/*.yaml, with their peers, with advisories.yaml and with what they say elsewhere; identical findings are folded, worst first. Nodes are only read. ' +
    'Exit codes: 0 looked at everything, 1 --fail-on found something, 2 unexpected differences (with --detailed-exitcode), 3 nodes could not be reached, 4 nodes refused.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --on site=berlin --cached --group-by node',
    '<%= config.bin %> <%= command.id %> --live --since 24h --detailed-exitcode',
    '<%= config.bin %> <%= command.id %> --fail-on new --report sarif=drift.sarif --report html=drift.html --json',
  ];
  static override flags = {
    on: Flags.string({ helpValue: 'SELECTOR', summary: 'Only nodes that this selector matches.' }),
    ...freshnessFlags,
    since: Flags.string({ helpValue: 'RUN|TIME', summary: 'Only what is new since a run began, a time, or 24h ago.' }),
    'group-by': Flags.string({
      options: ['attribute', 'site', 'node'],
      default: 'attribute',
      summary: 'What findings are put together by.',
    }),
    'detailed-exitcode': Flags.boolean({ summary: 'Exit 2 when there are unexpected differences.' }),
    'fail-on': Flags.string({
      options: ['security', 'new', 'any'],
      summary: 'Exit 1 when there are such; new: since --since, or within 24 hours.',
    }),
    report: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      helpValue: 'sarif|junit|html|csv=FILE',
      summary: 'Also write the report to a file.',
    }),
  };

  protected async execute(): Promise<CommandResult> {
    const { io, clock, signal, flags } = this;
    const say = async (text: string): Promise<void> => await this.say(text);
    const tool = { name: this.config.name, version: this.config.version };
    return await runDriftReport(flags, { fleet: await this.fleet(), io, clock, signal, say, tool });
  }
}
