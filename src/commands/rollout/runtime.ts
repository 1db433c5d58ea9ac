import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { RunCommand } from '../../cli/run-command.js';

export default class RolloutRuntime extends RunCommand<typeof RolloutRuntime> {
  static override changing = true;
  static override summary = 'Roll the runtimes of runtimes.yaml out: canaries first, then wave by wave.';
  static override description =
    'Looks at every node that runtimes.yaml is for, shows the plan, asks, and carries it out. Nodes that are away join under the same ' +
    'frozen plan when they return (edgectl resume). A node whose new runtime is not healthy goes back by itself. ' +
    'Exit codes: 0 done, 1 a node failed or reverted, 3 nodes are still away, 4 refused, 5 halted by a gate, 7 rolled back, 9 another run holds the nodes.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --canary 5%',
    '<%= config.bin %> <%= command.id %> containerd@2.1.9 --on site=berlin --dry-run',
    '<%= config.bin %> <%= command.id %> --canary 5% --yes --json',
    '<%= config.bin %> <%= command.id %> --out plan.json',
  ];
  static override args = {
    names: Args.string({
      multiple: true,
      description: 'NAME or NAME@VERSION; everything in runtimes.yaml when absent.',
    }),
  };
  static override flags = {
    canary: Flags.string({ helpValue: '5%|N', summary: 'Size of the canary stage, instead of the policy’s.' }),
    on: Flags.string({ helpValue: 'SELECTOR', summary: 'Only nodes that this selector matches, too.' }),
    policy: Flags.string({ helpValue: 'NAME', summary: 'Rollout policy, from policies/ or built in.' }),
    'dry-run': Flags.boolean({ summary: 'Show the plan; nodes are only read.' }),
    'detailed-exitcode': Flags.boolean({ summary: 'With --dry-run: exit 2 when there is something to do.' }),
    out: Flags.string({ helpValue: 'FILE', summary: 'Write the plan to a file for edgectl apply, and stop.' }),
    'accept-incompatible': Flags.boolean({ summary: 'Go on although a runtime driver refuses this change.' }),
    'allow-unproven': Flags.boolean({ summary: 'Use a runtime driver that nobody has rolled out yet.' }),
    emergency: Flags.boolean({ summary: 'Override local vetoes on the nodes; recorded there.' }),
  };

  protected async execute(): Promise<CommandResult> {
    this.refuseWithoutConsent(this.flags);
    const bench = await this.bench();
    const [{ planRuntime }, { compatibilityWarnings }] = await Promise.all([
      import('../../operations/plan-runtime.js'),
      import('../../operations/compatibility.js'),
    ]);
    const { canary, on, policy, emergency } = this.flags;
    const request = {
      names: this.args.names ?? [],
      ...(canary === undefined ? {} : { canary }),
      ...(on === undefined ? {} : { on }),
      ...(policy === undefined ? {} : { policy }),
      emergency,
    };
    const remember = await this.remembering(bench.fleet);
    const plan = await planRuntime(request, { ...bench, kit: bench.client, remember });
    const { 'accept-incompatible': accepted, 'allow-unproven': allowUnproven } = this.flags;
    const warnings = await compatibilityWarnings(plan, { fleetDir: bench.fleet.dir, accepted, allowUnproven });
    for (const line of warnings) await this.say((ui) => `${ui.theme.warn('!')} ${line}`);
    return await this.propose(plan, this.flags);
  }
}
