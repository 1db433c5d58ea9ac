import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { EdgectlError } from '../../errors/error.js';

export default class NodeShell extends BaseCommand<typeof NodeShell> {
  static override summary = 'Open a shell on a node, by ssh, with the host keys that the fleet pins.';
  static override description =
    'Goes through the fleet’s bastions. What is done there is part of no plan; the next rollout tells by itself when the node is no longer as it was. Needs a terminal and the program ssh; for scripts there is `edgectl node exec`. Ends with 0 when ssh ended with any status of the remote shell, 3 when the node is out of reach, 4 when it or we refuse. Nodes of an embedded lab and nodes that call home have no shell.';
  static override examples = ['<%= config.bin %> <%= command.id %> edge-001'];
  static override args = { node: Args.string({ required: true, description: 'The node.' }) };

  protected async execute(): Promise<CommandResult> {
    if (!this.io.isTTY || !this.io.stdoutIsTTY)
      throw new EdgectlError('USAGE', {
        message: 'There is no terminal for a shell.',
        hint: `edgectl node exec ${this.args.node} -- COMMAND`,
      });
    const fleet = await this.fleet();
    const { openShell } = await import('../../node/shell.js');
    const status = await openShell(fleet, this.args.node, { env: this.io.env, signal: this.signal });
    return { data: { node: this.args.node, status }, text: () => '' };
  }
}
