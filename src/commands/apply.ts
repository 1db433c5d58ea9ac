import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../cli/base.js';
import { RunCommand } from '../cli/run-command.js';

export default class Apply extends RunCommand<typeof Apply> {
  static override changing = true;
  static override summary = 'Carry out a plan file, or go on with it.';
  static override description =
    'The run id is part of the plan: applying a file twice is resuming it, also on a computer that never saw the run. ' +
    'The plan’s digest and signature are checked before anything else of it is read, and by each node again.';
  static override examples = [
    '<%= config.bin %> rollout runtime --out plan.json && <%= config.bin %> <%= command.id %> plan.json',
    '<%= config.bin %> <%= command.id %> plan.json --yes --json',
  ];
  static override args = { file: Args.string({ required: true, description: 'A plan written with --out.' }) };
  static override flags = { 'dry-run': Flags.boolean({ summary: 'Check and show the plan; contact nobody.' }) };

  protected async execute(): Promise<CommandResult> {
    this.refuseWithoutConsent(this.flags);
    const bench = await this.bench();
    const [{ readPlanFile }, { verifyAuthority }] = await Promise.all([
      import('../operations/plan-file.js'),
      import('../operations/authorise.js'),
    ]);
    const plan = await readPlanFile(resolve(this.io.cwd, this.args.file));
    await verifyAuthority(plan, bench.fleet, bench.around);
    return await this.propose(plan, this.flags, { plannedNow: false });
  }
}
