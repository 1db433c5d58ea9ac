import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base.js';
import { defaultLabDir, labDirOption, labLayout } from '../../lab/layout.js';

export default class LabHeal extends BaseCommand<typeof LabHeal> {
  static override summary = 'Undo everything that lab break did to a node.';
  static override examples = ['<%= config.bin %> <%= command.id %> pos-berlin-002'];
  static override args = { node: Args.string({ required: true, description: 'Name of the node.' }) };
  static override flags = { dir: Flags.string(labDirOption) };

  protected async execute(): Promise<CommandResult> {
    const { healNode } = await import('../../lab/break.js');
    const node = await healNode(labLayout(this.flags.dir ?? defaultLabDir(this.io.env)), this.args.node);
    return { data: node, text: () => `${node.id} answers on ${node.address}:${node.port} again.` };
  }
}
