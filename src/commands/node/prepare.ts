import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { RunCommand } from '../../cli/run-command.js';

export default class NodePrepare extends RunCommand<typeof NodePrepare> {
  static override changing = true;
  static override summary = 'Put the node kit on nodes: once, as root.';
  static override description =
    'Creates the fleet’s login (when it is not root) with one sudo rule for the kit, the kit itself, the keys that the node shall trust, and the ' +
    'unit that recovers at boot. Changes nothing that runs. --undo takes all of it away again; a node that runs bundles of ours needs node eject. ' +
    'Nodes that cannot verify signatures or have no systemd 240 are refused by name.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> edge-001 --login root',
    '<%= config.bin %> <%= command.id %> --on site=berlin --login root --dry-run',
    '<%= config.bin %> <%= command.id %> edge-001 --login root --undo',
  ];
  static override args = { node: Args.string({ multiple: true, description: 'Nodes or patterns.' }) };
  static override flags = {
    all: Flags.boolean({ summary: 'Every node of the fleet.' }),
    on: Flags.string({ helpValue: 'SELECTOR', summary: 'Nodes that this selector matches.' }),
    login: Flags.string({ helpValue: 'USER', summary: 'Log in as this user for once: root, or one with sudo.' }),
    'authorized-key': Flags.string({ helpValue: 'FILE', summary: 'Public key for the fleet’s login on the node.' }),
    undo: Flags.boolean({ summary: 'Take everything of edgectl away again.' }),
    'dry-run': Flags.boolean({ summary: 'Only check whether the nodes can be prepared.' }),
  };

  protected async execute(): Promise<CommandResult> {
    this.refuseWithoutConsent(this.flags);
    const fleet = await this.fleet();
    const [
      { chosenNodes },
      { NodePreparation },
      { openNodes },
      { prepareQuestion, prepareAll, prepareExitCode, renderPrepare },
    ] = await Promise.all([
      import('../../node/chosen-nodes.js'),
      import('../../operations/prepare-nodes.js'),
      import('../../node/open.js'),
      import('../../render/prepare-report.js'),
    ]);
    const { login, undo, on, all } = this.flags;
    const nodes = chosenNodes(fleet, { names: this.args.node ?? [], on, all, emptyMeansAll: false });
    const mode = this.flags['dry-run'] ? 'check' : undo ? 'undo' : 'install';
    const ids = nodes.map((node) => node.id);
    if (mode !== 'check') await this.confirm(prepareQuestion(mode, ids, fleet.name));
    const authorizedKey = this.flags['authorized-key'];
    const given = {
      ...(login === undefined ? {} : { login }),
      ...(authorizedKey === undefined ? {} : { authorizedKey }),
    };
    const request = { mode, ...given } as const;
    const open = openNodes(fleet, { env: this.io.env });
    const preparation = new NodePreparation(fleet, open, request, this.surroundings);
    const screen = { stderr: this.io.stderr, redraw: this.io.stderrIsTTY };
    const results = await prepareAll(nodes, preparation, this.forPeople ? screen : undefined).finally(open.close);
    const exitCode = prepareExitCode(results);
    return { data: { nodes: results }, exitCode, text: (ui) => renderPrepare(results, mode, ui) };
  }
}
