import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { RunCommand } from '../../cli/run-command.js';

export default class NodePrepare extends RunCommand<typeof NodePrepare> {
  static override changing = true;
  static override summary = 'Put the node kit on nodes: once, as root.';
  static override description =
    'Creates the fleet’s login (when it is not root) with one sudo rule for the kit, the kit itself, the keys that the node shall trust, and the ' +
    'unit that recovers at boot. Changes nothing that runs. --undo takes all of it away again; a node that runs bundles of ours needs node eject. ' +
    'Nodes that cannot verify signatures or have no systemd 240 are refused by name. A plan like any other: signed, kept in the journal, gone on ' +
    'with by edgectl resume, which installs the very same kit.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> edge-001 --login root',
    '<%= config.bin %> <%= command.id %> --on site=berlin --login root --dry-run',
    '<%= config.bin %> <%= command.id %> --all --login root --out prepare.json',
    '<%= config.bin %> <%= command.id %> till-017 --login root --direct --call-home hop-eu',
    '<%= config.bin %> <%= command.id %> edge-001 --login root --undo',
  ];
  static override args = { node: Args.string({ multiple: true, description: 'Nodes or patterns.' }) };
  static override flags = {
    all: Flags.boolean({ summary: 'Every node of the fleet.' }),
    on: Flags.string({ helpValue: 'SELECTOR', summary: 'Nodes that this selector matches.' }),
    login: Flags.string({ helpValue: 'USER', summary: 'Log in as this user for once: root, or one with sudo.' }),
    'authorized-key': Flags.string({ helpValue: 'FILE', summary: 'Public key for the fleet’s login on the node.' }),
    'call-home': Flags.string({
      helpValue: 'BASTION',
      exclusive: ['undo'],
      summary: 'Also keep a tunnel from each node to this bastion, for nodes that nobody can call.',
    }),
    direct: Flags.boolean({
      summary: 'Reach nodes that call home at their address, before they call for the first time.',
    }),
    policy: Flags.string({ helpValue: 'NAME', summary: 'Take stages and gates from this policy.' }),
    undo: Flags.boolean({ summary: 'Take everything of edgectl away again.' }),
    'dry-run': Flags.boolean({ summary: 'Show the plan; nodes are only read.' }),
    out: Flags.string({ helpValue: 'FILE', summary: 'Write the plan to a file for edgectl apply, and stop.' }),
  };

  protected async execute(): Promise<CommandResult> {
    this.refuseWithoutConsent(this.flags);
    const bench = await this.bench();
    const [{ chosenNodes }, { planPreparation }, { onEachNode }] = await Promise.all([
      import('../../node/chosen-nodes.js'),
      import('../../operations/plan-prepare.js'),
      import('../../render/each-node.js'),
    ]);

    const { on, all, undo, login, policy, direct, 'authorized-key': authorizedKey, 'call-home': callHome } = this.flags;
    const nodes = chosenNodes(bench.fleet, { names: this.args.node ?? [], on, all, emptyMeansAll: false });
    const mode = undo ? ('undo' as const) : ('install' as const);
    const request = { mode, login, policy, authorizedKey, callHome, direct };
    const screen = this.forPeople ? { stderr: this.io.stderr, redraw: this.io.stderrIsTTY } : undefined;
    const plan = await planPreparation(nodes, request, bench, async (looked, work, atOnce) =>
      onEachNode(looked, work, { atOnce, title: (node) => `look at ${node}`, screen }),
    );
    const result = await this.propose(plan, this.flags);
    if (callHome === undefined) return result;
    const { homeKeysNote } = await import('../../operations/call-home.js');
    const note = await homeKeysNote(bench.fleet, callHome);
    return { ...result, text: (ui) => result.text(ui) + note };
  }
}
