import { Args, Flags } from '@oclif/core';
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
  static override flags = {
    for: Flags.string({ helpValue: 'SELECTOR', summary: 'Nodes that get it; as before when absent.' }),
    ...secretFlags,
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { readSecret } = await import('../../seal/read-secret.js');
    const { setSecret } = await import('../../operations/secrets/set-secret.js');
    const { setText } = await import('../../render/secrets.js');
    const { flags, signal } = this;
    const secret = await readSecret({ stream: this.io.stdin, signal });
    const { unit: units, owner, mode, require } = flags;
    const settings = { for: flags.for, units, owner, mode, require, mustExist: true };
    const set = await setSecret(fleet, this.surroundings, this.args.name, secret, settings).finally(() =>
      secret.destroy(),
    );
    return { data: set, exitCode: set.left.length > 0 ? 3 : 0, text: (ui) => setText(set, ui) };
  }
}
