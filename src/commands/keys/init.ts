import { homedir } from 'node:os';
import { Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class KeysInit extends BaseCommand<typeof KeysInit> {
  static override summary = 'Make or choose the key that signs plans and runtimes of this fleet.';
  static override description =
    'The private key stays on this computer (or in an agent or a security token); its public half goes into the fleet repository: keys/ and trust/allowed_signers. Nodes get it with `edgectl node prepare`.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --fido',
    '<%= config.bin %> <%= command.id %> --agent',
    '<%= config.bin %> <%= command.id %> --from ~/.ssh/id_ed25519 --principal ops@example.org',
  ];
  static override flags = {
    type: Flags.string({ options: ['ed25519', 'ecdsa', 'rsa'], default: 'ed25519', summary: 'Type of a new key.' }),
    fido: Flags.boolean({
      exclusive: ['agent', 'from'],
      summary: 'Make a key that lives in a FIDO token: each signature needs a touch.',
    }),
    agent: Flags.boolean({ exclusive: ['fido', 'from'], summary: 'Use the only key that the ssh-agent holds.' }),
    from: Flags.string({
      exclusive: ['fido', 'agent'],
      helpValue: 'FILE',
      summary: 'Use an existing key: a private one, or a .pub whose private half an agent holds.',
    }),
    principal: Flags.string({ summary: 'Name of the signer in allowed_signers; USER@FLEET when absent.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { createSigningKey } = await import('../../keys/create.js');
    const { keyOrigin, defaultPrincipal } = await import('../../keys/choose.js');
    const { keyDir } = await import('../../keys/signing-key.js');
    const { allowKey } = await import('../../keys/repository.js');
    const { checkPrincipal } = await import('../../keys/allowed-signers.js');
    const { namespaces } = await import('../../keys/namespaces.js');
    const { env } = this.io;
    const principal = checkPrincipal(this.flags.principal ?? defaultPrincipal(env, fleet.name));
    const origin = await keyOrigin(this.flags, env, this.io.cwd);
    const dir = keyDir({ env, homedir: env['HOME'] ?? homedir() }, fleet.id);
    const key = await createSigningKey({ origin, dir, comment: principal, interactive: this.io.isTTY });
    const allowed = await allowKey(fleet, { key: key.publicKey, principal, namespaces });
    return {
      data: {
        key: key.path,
        kind: key.kind,
        fingerprint: key.fingerprint,
        principal,
        warning: key.warning,
        ...allowed,
      },
      text: (ui) =>
        [
          `${ui.theme.good('signing key')} ${key.fingerprint} (${key.kind})`,
          `  private  ${key.path}`,
          `  public   ${allowed.publicKeyFile}`,
          `  allowed  ${principal} in ${allowed.allowedSignersFile}`,
          ...(key.warning === undefined ? [] : [ui.theme.warn(key.warning)]),
          '',
          'Nodes that are prepared already learn the key with: edgectl node prepare',
        ].join('\n'),
    };
  }
}
