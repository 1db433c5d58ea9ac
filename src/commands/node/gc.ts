import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { RunCommand } from '../../cli/run-command.js';

export default class NodeGc extends RunCommand<typeof NodeGc> {
  static override changing = true;
  static override summary = 'Remove bundles from nodes that nothing there needs any more.';
  static override description =
    'A node keeps what is committed, the way back from it, what it was adopted with, whatever a process still runs from, and what a newer accepted plan wants. The rest goes. Nothing is removed without this command.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> pos-genoa-009',
    '<%= config.bin %> <%= command.id %> --on site=genoa --yes',
    '<%= config.bin %> <%= command.id %> pos-genoa-009 --snapshots',
  ];
  static override args = { node: Args.string({ multiple: true, description: 'Nodes or patterns.' }) };
  static override flags = {
    on: Flags.string({ helpValue: 'SELECTOR', summary: 'Nodes that this selector matches.' }),
    snapshots: Flags.boolean({
      summary: 'Also the copies of state behind committed changes; a rollback cannot restore it then.',
    }),
    'dry-run': Flags.boolean({ summary: 'Show the plan; nodes are only read.' }),
  };

  protected async execute(): Promise<CommandResult> {
    this.refuseWithoutConsent(this.flags);
    const bench = await this.bench();
    const { chosenNodes } = await import('../../node/chosen-nodes.js');
    const { planGc } = await import('../../operations/plan-upkeep.js');
    const nodes = chosenNodes(bench.fleet, { names: this.args.node ?? [], on: this.flags.on, emptyMeansAll: false });
    return await this.propose(await planGc(nodes, bench, { snapshots: this.flags.snapshots }), this.flags);
  }
}
