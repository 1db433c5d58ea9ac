import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { RunCommand } from '../../cli/run-command.js';

export default class NodeEject extends RunCommand<typeof NodeEject> {
  static override changing = true;
  static override summary = 'Give nodes back to their distribution and leave nothing of edgectl on them.';
  static override description =
    'Restores the distribution’s own units and programs, restarts a service only if it runs a bundle of ours, and removes the kit, its store, ' +
    'its user and its sudo rule. Authorised by a signed plan like every change.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> edge-001',
    '<%= config.bin %> <%= command.id %> --on site=berlin --dry-run',
  ];
  static override args = { node: Args.string({ multiple: true, description: 'Nodes or patterns.' }) };
  static override flags = {
    all: Flags.boolean({ summary: 'Every node of the fleet.' }),
    on: Flags.string({ helpValue: 'SELECTOR', summary: 'Nodes that this selector matches.' }),
    'dry-run': Flags.boolean({ summary: 'Show the plan; nodes are only read.' }),
    'accept-irreversible': Flags.boolean({
      summary: 'Class C: let the distribution’s version start on the state as ours left it.',
    }),
    out: Flags.string({ helpValue: 'FILE', summary: 'Write the plan to a file for edgectl apply, and stop.' }),
  };

  protected async execute(): Promise<CommandResult> {
    this.refuseWithoutConsent(this.flags);
    const bench = await this.bench();
    const { chosenNodes } = await import('../../node/chosen-nodes.js');
    const { planEject } = await import('../../operations/plan-upkeep.js');
    const { on, all } = this.flags;
    const nodes = chosenNodes(bench.fleet, { names: this.args.node ?? [], on, all, emptyMeansAll: false });
    const acceptIrreversible = this.flags['accept-irreversible'];
    return await this.propose(await planEject(nodes, bench, { acceptIrreversible }), this.flags);
  }
}
