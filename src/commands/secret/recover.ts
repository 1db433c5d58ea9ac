import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { SecretCommand } from '../../cli/secret-command.js';
import { EdgectlError } from '../../errors/error.js';

export default class SecretRecover extends SecretCommand<typeof SecretRecover> {
  static override summary = 'Open a secret with a recovery identity; its bytes go to standard output.';
  static override description =
    'For the day when a node or its TPM is gone. Nothing but the value is written, byte for byte, and never to a terminal. Stock age does the same: age -d -i FILE secrets/NAME/GENERATION/bundle.age.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> db-password --identity /media/usb/recovery-1.txt | less',
  ];
  static override args = { name: Args.string({ required: true, description: 'Name of the secret.' }) };
  static override flags = {
    identity: Flags.string({
      required: true,
      helpValue: 'FILE',
      summary: 'An age identity file of a recovery recipient.',
    }),
  };

  protected async execute(): Promise<CommandResult> {
    if (this.io.stdoutIsTTY || !this.forPeople)
      throw new EdgectlError('USAGE', {
        message: 'The value goes to a pipe or a file, as it is: not to a terminal, and not as JSON.',
        hint: 'edgectl secret recover NAME --identity FILE | PROGRAM',
      });
    const fleet = await this.fleet();
    const { recoverSecret } = await import('../../operations/secrets/recover-secret.js');
    const secret = await recoverSecret(fleet, this.args.name, resolve(this.io.cwd, this.flags.identity));
    const { stdout } = this.io;
    await new Promise<void>((done, fail) => stdout.write(secret.reveal(), (error) => (error ? fail(error) : done())));
    secret.destroy();
    return { data: {}, text: () => '' };
  }
}
