import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../cli/base.js';
import { RunCommand } from '../cli/run-command.js';

export default class Resume extends RunCommand<typeof Resume> {
  static override changing = true;
  static override aliases = ['run resume'];
  static override summary = 'Go on with a run: after a crash, an interruption, or when nodes are back.';
  static override description =
    'Uses exactly the frozen plan of the run. Finished nodes are left alone; what was in flight is asked about on the node before anything ' +
    'is repeated; nodes that were away are tried again. Needs no question: the plan was agreed to when the run was started.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 01JD8QK2M4ZX7V9T3N5B6C8D0F',
    '<%= config.bin %> <%= command.id %> 01JD8QK2M4ZX7V9T3N5B6C8D0F --retry pos-genoa-009',
  ];
  static override args = {
    run: Args.string({ required: true, description: 'Run id, or the beginning of one, or last.' }),
  };
  static override flags = {
    retry: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'NODE',
      summary: 'Try this node again although it failed.',
    }),
  };

  protected async execute(): Promise<CommandResult> {
    const bench = await this.bench();
    const { planOfRun } = await import('../cli/journal.js');
    const plan = await planOfRun(await bench.journal(), this.args.run);
    const { retry } = this.flags;
    return await this.carryOut(plan, retry === undefined ? {} : { retry: new Set(retry) });
  }
}
