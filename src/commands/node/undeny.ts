import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { RunCommand } from '../../cli/run-command.js';

export default class NodeUndeny extends RunCommand<typeof NodeUndeny> {
  static override changing = true;
  static override summary = 'Let nodes try bundles again that failed their health there.';
  static override description =
    'A bundle that crashed, hung or failed its probes on a node is denied there until somebody lifts it: nothing expires silently.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> pos-genoa-009',
    '<%= config.bin %> <%= command.id %> --on site=genoa --yes',
  ];
  static override args = { node: Args.string({ multiple: true, description: 'Nodes or patterns.' }) };
  static override flags = {
    on: Flags.string({ helpValue: 'SELECTOR', summary: 'Nodes that this selector matches.' }),
    'dry-run': Flags.boolean({ summary: 'Show the plan; nodes are only read.' }),
  };

  protected async execute(): Promise<CommandResult> {
    this.refuseWithoutConsent(this.flags);
    const bench = await this.bench();
    const { chosenNodes } = await import('../../node/chosen-nodes.js');
    const { planUndeny } = await import('../../operations/plan-upkeep.js');
    const nodes = chosenNodes(bench.fleet, { names: this.args.node ?? [], on: this.flags.on, emptyMeansAll: false });
    const plan = await planUndeny(nodes, bench);
    if (plan !== null) return await this.propose(plan, this.flags);
    return { data: { nodes: [] }, text: () => 'No bundle is denied there, as far as the nodes can be asked.' };
  }
}
