import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { SecretCommand } from '../../cli/secret-command.js';
import { secretFlags } from '../../cli/secret-flags.js';

export default class SecretSet extends SecretCommand<typeof SecretSet> {
  static override summary = 'Encrypt a secret from standard input for nodes.';
  static override description =
    'Reads the value byte for byte from standard input, at most 64 KiB; it is never on disk in the clear, nor in an argument. It is encrypted once, and its key is sealed for the TPM of each enrolled node that the selector matches; no node is contacted. Ends with 3 when some of them are not enrolled yet. Commit secrets/ and enrolled/, then: edgectl secret push.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> db-password --for app=pos < password.txt',
    'pass show pos/db | <%= config.bin %> <%= command.id %> db-password --for site=genoa --unit pos.service',
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
    const settings = { for: flags.for, units, owner, mode, require, mustExist: false };
    const set = await setSecret(fleet, this.surroundings, this.args.name, secret, settings).finally(() =>
      secret.destroy(),
    );
    return { data: set, exitCode: set.left.length > 0 ? 3 : 0, text: (ui) => setText(set, ui) };
  }
}
