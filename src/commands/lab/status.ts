import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base.js';
import { defaultLabDir, labDirOption, labLayout } from '../../lab/layout.js';

export default class LabStatus extends BaseCommand<typeof LabStatus> {
  static override summary = 'Show the lab and what is broken in it.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];
  static override flags = { dir: Flags.string(labDirOption) };

  protected async execute(): Promise<CommandResult> {
    const { aboutLab, labStatus, nodeWord } = await import('../../lab/status.js');
    const status = await labStatus(labLayout(this.flags.dir ?? defaultLabDir(this.io.env)));
    return {
      data: status,
      text: (ui) => {
        if (!status.running)
          return `A lab is left in ${status.dir}, but it does not run.\nTake it away:  edgectl lab down`;
        const rows = status.nodes.map((node) => [
          node.id,
          `${node.address}:${node.port}`,
          { text: nodeWord(node), tone: node.broken.length > 0 ? ('warn' as const) : ('good' as const) },
          node.powerCuts > 0 ? node.powerCuts : '',
        ]);
        return [
          ...aboutLab(status),
          '',
          ui.table(['NODE', 'ADDRESS', 'STATE', { title: 'POWER CUTS', align: 'right' }], rows),
          '',
          `export EDGECTL_FLEET=${status.fleetDir}`,
        ].join('\n');
      },
    };
  }
}
