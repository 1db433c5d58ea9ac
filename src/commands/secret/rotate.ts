import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { SecretCommand } from '../../cli/secret-command.js';
import { secretFlags } from '../../cli/secret-flags.js';

export default class SecretRotate extends SecretCommand<typeof SecretRotate> {
  static override summary = 'Give a secret a new value from standard input.';
  static override description =
    'Like `secret set` for a secret that is there. The older generation opens on a node until the new one was delivered to it, and never again after that, also not from a backup of its disk.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> db-password < new-password.txt',
    'openssl rand -hex 32 | <%= config.bin %> <%= command.id %> api-token',
  ];
  static override args = { name: Args.string({ required: true, description: 'Name of the secret.' }) };
  static override flags = secretFlags;

  protected async execute(): Promise<CommandResult> {
    return await this.takeIn(this.args.name, this.flags, true);
  }
}
