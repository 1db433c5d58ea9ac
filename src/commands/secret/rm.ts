import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { SecretCommand } from '../../cli/secret-command.js';

export default class SecretRm extends SecretCommand<typeof SecretRm> {
  static override changing = true;
  static override summary = 'Take a secret away from every node that has it.';
  static override description =
    'Its ciphertext leaves the repository’s tree (not its history), and each node gets a revocation at the next `secret push`: after that what it had never opens again. A value that was readable on a node is known there: rotate it where it is used.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> db-password',
    '<%= config.bin %> <%= command.id %> db-password --yes',
  ];
  static override args = { name: Args.string({ required: true, description: 'Name of the secret.' }) };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { removeSecret } = await import('../../operations/secrets/set-secret.js');
    const { setText } = await import('../../render/secrets.js');
    await this.confirm(`Take ${this.args.name} away from every node?`);
    const removed = await removeSecret(fleet, this.surroundings, this.args.name);
    return { data: removed, text: (ui) => setText(removed, ui) };
  }
}
