import { Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { SecretCommand } from '../../cli/secret-command.js';

export default class SecretList extends SecretCommand<typeof SecretList> {
  static override summary = 'List secrets by node: what is due, what was delivered, and whether it opened.';
  static override description =
    'Reads the repository only; what nodes said last is as old as the column says. Values are never shown.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --behind -o name',
  ];
  static override flags = {
    behind: Flags.boolean({ summary: 'Only nodes that do not have the newest generation, or cannot open it.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { listSecrets } = await import('../../operations/secrets/list-secrets.js');
    const { listText } = await import('../../render/secrets.js');
    const all = await listSecrets(fleet);
    const rows = this.flags.behind ? all.filter((row) => row.state !== 'proven') : all;
    return { data: { secrets: rows }, rows, text: (ui) => listText(rows, ui, this.clock.now()) };
  }
}
