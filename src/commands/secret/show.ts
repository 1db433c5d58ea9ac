import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { SecretCommand } from '../../cli/secret-command.js';

export default class SecretShow extends SecretCommand<typeof SecretShow> {
  static override summary = 'Show for whom a secret is, and where it was delivered; never its value.';
  static override examples = ['<%= config.bin %> <%= command.id %> db-password'];
  static override args = { name: Args.string({ required: true, description: 'Name of the secret.' }) };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { listSecrets, secretEntry } = await import('../../operations/secrets/list-secrets.js');
    const { listText, entryText } = await import('../../render/secrets.js');
    const entry = await secretEntry(fleet, this.args.name);
    const nodes = (await listSecrets(fleet)).filter((row) => row.secret === entry.name);
    const now = this.clock.now();
    return { data: { ...entry, nodes }, text: (ui) => `${entryText(entry)}\n\n${listText(nodes, ui, now)}` };
  }
}
