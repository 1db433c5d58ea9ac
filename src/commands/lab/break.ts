import { Args, Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base.js';
import { type BreakMode, breakModes } from '../../lab/control-protocol.js';
import { defaultLabDir, labDirOption, labLayout } from '../../lab/layout.js';

export default class LabBreak extends BaseCommand<typeof LabBreak> {
  static override summary = 'Break a node of the lab, to see what a rollout does about it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> pos-berlin-002 --how offline',
    '<%= config.bin %> <%= command.id %> pos-lyon-003 --how bad-runtime',
    '<%= config.bin %> <%= command.id %> pos-lyon-003 --how power-cut',
  ];
  static override args = { node: Args.string({ required: true, description: 'Name of the node.' }) };
  static override flags = {
    how: Flags.string({ options: [...breakModes], required: true, summary: 'What happens to it.' }),
    dir: Flags.string(labDirOption),
  };

  protected async execute(): Promise<CommandResult> {
    const { breakNode, breakTexts } = await import('../../lab/break.js');
    const how = this.flags.how as BreakMode;
    const node = await breakNode(labLayout(this.flags.dir ?? defaultLabDir(this.io.env)), this.args.node, how);
    const undo = how === 'power-cut' ? '' : `\nUndo:  edgectl lab heal ${node.id}`;
    return { data: node, text: () => `${node.id} ${breakTexts[how]}.${undo}` };
  }
}
