import { Args } from '@oclif/core';
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
  static override flags = secretFlags;

  protected async execute(): Promise<CommandResult> {
    return await this.takeIn(this.args.name, this.flags, false);
  }
}
