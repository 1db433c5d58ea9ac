import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base.js';
import { defaultLabDir, labDirOption, labLayout } from '../../lab/layout.js';

export default class LabDown extends BaseCommand<typeof LabDown> {
  static override summary = 'End the lab: its processes, its nodes, its fleet repository, its bundles and journal.';
  static override examples = ['<%= config.bin %> <%= command.id %>'];
  static override flags = { dir: Flags.string(labDirOption) };

  protected async execute(): Promise<CommandResult> {
    const { labDown } = await import('../../lab/down.js');
    const result = await labDown(labLayout(this.flags.dir ?? defaultLabDir(this.io.env)));
    const strays = result.strays > 0 ? ` ${result.strays} processes of a daemon that had died were ended.` : '';
    return { data: result, text: () => `The lab of ${result.nodes} nodes is gone.${strays}` };
  }
}
