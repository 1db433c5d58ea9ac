import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { EdgectlError } from '../../errors/error.js';

export default class KeysAdd extends BaseCommand<typeof KeysAdd> {
  static override summary = 'Allow another public key to sign for this fleet.';
  static override description =
    'Writes keys/PRINCIPAL.pub and a line of trust/allowed_signers. Nodes follow with the next `edgectl node prepare`.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> build.pub --principal build@ci --namespaces edgectl-runtime',
    '<%= config.bin %> <%= command.id %> anna.pub --principal anna@example.org',
  ];
  static override args = { file: Args.string({ required: true, description: 'An OpenSSH public key (.pub).' }) };
  static override flags = {
    principal: Flags.string({ required: true, summary: 'Name of the signer.' }),
    namespaces: Flags.string({
      helpValue: 'LIST',
      summary: 'What it may sign, comma separated; plans, runtimes, kits and policies when absent.',
    }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { allowKey } = await import('../../keys/repository.js');
    const { parsePublicKey } = await import('../../keys/public-key.js');
    const { namespaces, parseNamespaces } = await import('../../keys/namespaces.js');
    const file = path.resolve(this.io.cwd, this.args.file);
    const text = await readFile(file, 'utf8').catch(() => {
      throw new EdgectlError('USAGE', { message: `${file} cannot be read.` });
    });
    const key = parsePublicKey(text, this.args.file);
    const chosen = this.flags.namespaces === undefined ? namespaces : parseNamespaces(this.flags.namespaces);
    const { principal } = this.flags;
    const allowed = await allowKey(fleet, { key, principal, namespaces: chosen });
    return {
      data: { principal, namespaces: chosen, fingerprint: key.fingerprint, ...allowed },
      text: () =>
        allowed.added
          ? `${principal} (${key.fingerprint}) may now sign: ${chosen.join(', ')}\nNodes learn it with: edgectl node prepare`
          : `${principal} (${key.fingerprint}) was allowed already; nothing was changed.`,
    };
  }
}
