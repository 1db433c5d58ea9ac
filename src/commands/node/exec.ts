import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { EdgectlError } from '../../errors/error.js';

export default class NodeExec extends BaseCommand<typeof NodeExec> {
  static override summary = 'Run one command on nodes and show what it said.';
  static override description =
    'The command is an argv, not a shell line: write `sh -c "…"` for a shell. Output is cut at 256 KiB a node. Ends with 0 when it ended with 0 everywhere, 1 when it failed anywhere, 3 when a node was out of reach, 4 when every node refused. Asks first when it is more than one node. Its effects are not part of any plan.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> edge-001 -- uname -a',
    '<%= config.bin %> <%= command.id %> --on site=berlin --yes -- systemctl is-active containerd',
  ];
  static override changing = true;
  static override args = {
    words: Args.string({
      multiple: true,
      required: true,
      description: 'Nodes or patterns, then `--` and the command.',
    }),
  };
  static override flags = {
    all: Flags.boolean({ summary: 'Every node of the fleet.' }),
    on: Flags.string({ summary: 'Nodes that this selector matches.', helpValue: 'SELECTOR' }),
    timeout: Flags.integer({ summary: 'Seconds for each node.', default: 60, min: 1, max: 86_400 }),
  };

  protected async execute(): Promise<CommandResult> {
    const words = this.args.words;
    const dashes = this.argv.indexOf('--');
    const count = dashes < 0 ? 0 : this.argv.length - dashes - 1;
    if (count === 0) throw new EdgectlError('USAGE', { message: 'There is no command after `--`.' });
    const argv = words.slice(words.length - count);
    const { chosenNodes } = await import('../../node/chosen-nodes.js');
    const { openNodes } = await import('../../node/open.js');
    const { execMany } = await import('../../node/exec-many.js');
    const { execText } = await import('../../render/node-exec.js');
    const { exitCodeOf } = await import('../../node/exit-code.js');
    const fleet = await this.fleet();
    const names = words.slice(0, words.length - count);
    const nodes = chosenNodes(fleet, { names, on: this.flags.on, all: this.flags.all, emptyMeansAll: false });
    if (nodes.length > 1) await this.confirm(`Run ${JSON.stringify(argv)} on ${nodes.length} nodes?`);
    const { client, close } = openNodes(fleet, { env: this.io.env });
    const options = { timeoutMs: this.flags.timeout * 1000, maxOutput: 256 * 1024, signal: this.signal };
    const ids = nodes.map((node) => node.id);
    const execs = await execMany(client, ids, argv, options).finally(close);
    return {
      data: { argv, nodes: execs },
      rows: execs,
      exitCode: exitCodeOf(execs.map((exec) => exec.verdict)),
      text: (ui) => execText(execs, ui),
    };
  }
}
