import { homedir } from 'node:os';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class KeysShow extends BaseCommand<typeof KeysShow> {
  static override summary =
    'Show the keys on this computer, who may sign for this fleet, and the fleet’s keys for secrets.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { keyDir, readSigningKey } = await import('../../keys/signing-key.js');
    const { readAllowedSigners } = await import('../../keys/repository.js');
    const { showSecrets } = await import('../../keys/init-secrets.js');
    const { secretLines } = await import('../../render/secret-keys.js');
    const { env } = this.io;
    const places = { env, homedir: env['HOME'] ?? homedir() };
    const named = env['EDGECTL_SIGNING_KEY'] || `${keyDir(places, fleet.id)}/signing`;
    const key = await readSigningKey(named);
    const signers = (await readAllowedSigners(fleet)).map((signer) => ({
      principal: signer.principals.join(','),
      namespaces: signer.namespaces,
      type: signer.key.type,
      fingerprint: signer.key.fingerprint,
      mine: signer.key.blob === key?.publicKey.blob,
    }));
    const allowed = signers.some((signer) => signer.mine);
    const secrets = await showSecrets(fleet, places);
    const own =
      key === undefined
        ? null
        : { path: key.path, kind: key.kind, fingerprint: key.fingerprint, allowed, warning: key.warning };
    return {
      data: { key: own, signers, secrets: secrets ?? null },
      rows: signers,
      text: (ui) => {
        const lines = [
          own === null
            ? 'no signing key on this computer: edgectl keys init'
            : `${own.path}  ${own.fingerprint} (${own.kind})`,
        ];
        if (own !== null && !allowed)
          lines.push(ui.theme.warn('this key is not in allowed_signers: nodes will refuse what it signs'));
        if (own?.warning !== undefined) lines.push(ui.theme.warn(own.warning));
        const rows = signers.map((each) => [
          each.principal,
          each.namespaces.map((name) => name.replace('edgectl-', '')).join(',') || 'everything',
          each.fingerprint,
          each.mine ? 'this key' : '',
        ]);
        lines.push('', ui.table(['signer', 'may sign', 'key', ''], rows));
        return [...lines, ...(secrets === undefined ? [] : ['', ...secretLines(secrets, ui)])].join('\n');
      },
    };
  }
}
