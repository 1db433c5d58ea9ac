import { Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { RunCommand } from '../../cli/run-command.js';

export default class RolloutKit extends RunCommand<typeof RolloutKit> {
  static override changing = true;
  static override summary = 'Upgrade the node kit to the one of this edgectl: canaries first, then wave by wave.';
  static override description =
    'Makes and signs the kit’s bundle (the fleet’s key must be allowed for edgectl-kit) and rolls it out like a runtime: on each node the new kit ' +
    'runs beside the old one, has to prove itself, and takes the confirmation; the old one decides, and takes it back when nothing comes. ' +
    'Nodes that run this kit already are left alone. edgectl rollback RUN goes back. Exit codes are those of rollout runtime.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --canary 5%',
    '<%= config.bin %> <%= command.id %> --on site=berlin --dry-run',
    '<%= config.bin %> <%= command.id %> --canary 1 --yes --json',
  ];
  static override flags = {
    canary: Flags.string({ helpValue: '5%|N', summary: 'Size of the canary stage, instead of the policy’s.' }),
    on: Flags.string({ helpValue: 'SELECTOR', summary: 'Only nodes that this selector matches.' }),
    policy: Flags.string({ helpValue: 'NAME', summary: 'Rollout policy, from policies/ or built in.' }),
    'dry-run': Flags.boolean({ summary: 'Show the plan; nodes are only read.' }),
    'detailed-exitcode': Flags.boolean({ summary: 'With --dry-run: exit 2 when there is something to do.' }),
    out: Flags.string({ helpValue: 'FILE', summary: 'Write the plan to a file for edgectl apply, and stop.' }),
    emergency: Flags.boolean({ summary: 'Override local vetoes on the nodes; recorded there.' }),
  };

  protected async execute(): Promise<CommandResult> {
    this.refuseWithoutConsent(this.flags);
    const bench = await this.bench();
    const { planKit } = await import('../../operations/plan-kit.js');
    const { canary, on, policy, emergency } = this.flags;
    const request = {
      ...(canary === undefined ? {} : { canary }),
      ...(on === undefined ? {} : { on }),
      ...(policy === undefined ? {} : { policy }),
      emergency,
    };
    return await this.propose(await planKit(request, { ...bench, kit: bench.client }), this.flags);
  }
}
