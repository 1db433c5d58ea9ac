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
      summary: 'New key in a FIDO token: touch to sign.',
    }),
    agent: Flags.boolean({ exclusive: ['fido', 'from'], summary: 'Use the only key that the ssh-agent holds.' }),
    from: Flags.string({
      exclusive: ['fido', 'agent'],
      helpValue: 'FILE',
      summary: 'Existing key, or the .pub of one in an agent.',
    }),
    principal: Flags.string({ summary: 'Name of the signer in allowed_signers; USER@FLEET when absent.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { initKeys } = await import('../../keys/init-keys.js');
    const { flags, io } = this;
    const request = { flags, env: io.env, cwd: io.cwd, interactive: io.isTTY };
    const { key, principal, allowed } = await initKeys(fleet, request);
    const { path, kind, fingerprint, warning } = key;
    return {
      data: { key: path, kind, fingerprint, principal, warning, ...allowed },
      text: (ui) =>
        [
          `${ui.theme.good('signing key')} ${fingerprint} (${kind})`,
          `  private  ${path}`,
          `  public   ${allowed.publicKeyFile}`,
          `  allowed  ${principal} in ${allowed.allowedSignersFile}`,
          ...(warning === undefined ? [] : [ui.theme.warn(warning)]),
          '',
          'Nodes that are prepared already learn the key with: edgectl node prepare',
        ].join('\n'),
    };
  }
}
