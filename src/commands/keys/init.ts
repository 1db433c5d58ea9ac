import { homedir } from 'node:os';
import { Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class KeysInit extends BaseCommand<typeof KeysInit> {
  static override summary =
    'Make or choose the key that signs plans and runtimes of this fleet, or the keys for its secrets.';
  static override description =
    'Private keys stay on this computer (or in an agent or a security token); public halves go into the fleet repository: keys/ and trust/. Nodes learn the signing key with `edgectl node prepare`. With --secrets it makes the policy key (P-256), which approves when a node’s TPM may open secrets, and the manifest key (Ed25519), which vouches for what is delivered to nodes.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --fido',
    '<%= config.bin %> <%= command.id %> --agent',
    '<%= config.bin %> <%= command.id %> --from ~/.ssh/id_ed25519 --principal ops@example.org',
    '<%= config.bin %> <%= command.id %> --secrets --recovery age1… --recovery age1…',
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
    secrets: Flags.boolean({
      exclusive: ['fido', 'agent', 'from', 'principal'],
      summary: 'Make the policy key and the manifest key for secrets instead.',
    }),
    recovery: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      dependsOn: ['secrets'],
      helpValue: 'AGE1…',
      summary: 'Recipient that can open every secret; two or more.',
    }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { flags, io } = this;
    if (flags.secrets) {
      const { initSecrets } = await import('../../keys/init-secrets.js');
      const { secretLines } = await import('../../render/secret-keys.js');
      const places = { env: io.env, homedir: io.env['HOME'] ?? homedir() };
      const made = await initSecrets(fleet, flags.recovery ?? [], places);
      return { data: { secrets: made }, text: (ui) => secretLines(made, ui).join('\n') };
    }
    const { initKeys } = await import('../../keys/init-keys.js');
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
