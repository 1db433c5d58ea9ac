import { Flags } from '@oclif/core';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class FleetExport extends BaseCommand<typeof FleetExport> {
  static override summary = 'Write the nodes as an Ansible inventory, an ssh_config, CSV or a file for nodes/.';
  static override description =
    'Importing what was exported gives the same nodes. What a format has no place for stands in a variable, comment or column of its own that edgectl fleet import reads. Contacts no node.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --format ansible-yaml --out inventory.yml',
    '<%= config.bin %> <%= command.id %> --format ssh-config --on site=berlin',
  ];
  static override flags = {
    format: Flags.string({
      options: ['nodes', 'ansible-ini', 'ansible-yaml', 'ssh-config', 'csv'],
      required: true,
      summary: 'What to write.',
    }),
    on: Flags.string({ summary: 'Only nodes that this selector matches.', helpValue: 'SELECTOR' }),
    out: Flags.string({ helpValue: 'FILE', summary: 'Write to a new file instead of standard output.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const [{ selectNodes }, { exportNodes }] = await Promise.all([
      import('../../fleet/select-nodes.js'),
      import('../../fleet/export/export.js'),
    ]);
    const nodes = selectNodes(fleet, this.flags.on ?? '');
    const text = exportNodes(nodes, this.flags.format as Parameters<typeof exportNodes>[1]);
    const { out } = this.flags;
    if (out !== undefined) await writeFile(path.resolve(this.io.cwd, out), text, { flag: 'wx' });
    return {
      data: { format: this.flags.format, nodes: nodes.length, ...(out === undefined ? { text } : { file: out }) },
      rows: nodes.map(({ id }) => id),
      text: () => (out === undefined ? text : `Wrote ${nodes.length} nodes to ${out}`),
    };
  }
}
