import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../cli/base.js';
import { RunCommand } from '../cli/run-command.js';

export default class Rollback extends RunCommand<typeof Rollback> {
  static override changing = true;
  static override summary = 'Put every node that a run changed back to exactly what the run replaced there.';
  static override description =
    'A new run on the fast path: no canary, all nodes at once. Nodes that something newer has changed since are left alone; nodes that are away ' +
    'are put back when they return (edgectl resume). The run that is undone does not go on afterwards. A runtime that has migrated state on its own ' +
    'disk (class C) goes back only with --restore-state or --accept-irreversible; without either its node refuses.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 01JD8QK2M4ZX7V9T3N5B6C8D0F',
    '<%= config.bin %> <%= command.id %> 01JD8QK2M4ZX7V9T3N5B6C8D0F --yes --json',
  ];
  static override args = {
    run: Args.string({ required: true, description: 'Run id, or the beginning of one, or last.' }),
  };
  static override flags = {
    'dry-run': Flags.boolean({ summary: 'Show the plan; nodes are only read.' }),
    'restore-state': Flags.boolean({
      exclusive: ['accept-irreversible'],
      summary: 'Class C: put the copy of the state from before the run back; what was written since is lost.',
    }),
    'accept-irreversible': Flags.boolean({
      summary: 'Class C: let the older version start on the state as the newer one left it.',
    }),
    out: Flags.string({ helpValue: 'FILE', summary: 'Write the plan to a file for edgectl apply, and stop.' }),
  };

  protected async execute(): Promise<CommandResult> {
    this.refuseWithoutConsent(this.flags);
    const bench = await this.bench();
    const [{ planOfRun }, { planRollback }, { closeUndone }] = await Promise.all([
      import('../cli/journal.js'),
      import('../operations/plan-rollback.js'),
      import('../operations/close-undone.js'),
    ]);
    const run = await planOfRun(await bench.journal(), this.args.run);
    const { 'restore-state': restore, 'accept-irreversible': accept } = this.flags;
    const state = restore ? 'restore' : accept ? 'keep' : undefined;
    const plan = await planRollback({ run, nodes: run.nodes.map((node) => node.id), state }, bench);
    const settled = plan.nodes.every((node) => ['noop', 'superseded'].includes(node.skip?.state ?? ''));
    if (plan.steps.length === 0 && settled) {
      if (this.flags['dry-run'] !== true) await closeUndone(bench, run.id);
      const message = `Run ${run.id} left nothing to undo.`;
      return { data: { run: run.id, nodes: [] }, runId: run.id, text: () => message };
    }
    return await this.propose(plan, this.flags);
  }
}
