import { EdgectlError } from '../../errors/error.js';
import { defaultPrincipal } from '../../keys/choose.js';
import { readAllowedSigners } from '../../keys/repository.js';
import { keyDir, readSigningKey } from '../../keys/signing-key.js';
import { quoteArgv } from '../../transport/quote.js';
import type { FleetCheck } from './check.js';

/** Is there a key to sign with, for nobody else to read, and may it sign for this fleet? */
export const signingKeyCheck: FleetCheck = {
  id: 'signing-key',
  needsFleet: true,
  run: async ({ env, home }, fleet) => {
    const named = env['EDGECTL_SIGNING_KEY'] || undefined;
    try {
      const key = await readSigningKey(named ?? `${keyDir({ env, homedir: home }, fleet.id)}/signing`);
      if (key === undefined && named !== undefined)
        return {
          state: 'bad',
          detail: `EDGECTL_SIGNING_KEY: ${named} is not there`,
          hint: 'unset EDGECTL_SIGNING_KEY',
        };
      if (key === undefined)
        return { state: 'warn', detail: 'none: this computer can look, not change', hint: 'edgectl keys init' };
      if (key.warning !== undefined)
        return {
          state: 'bad',
          detail: `${key.path} can be read by others`,
          hint: quoteArgv(['chmod', '600', key.path]),
        };
      const signers = await readAllowedSigners(fleet);
      const allowed = signers.some((signer) => signer.key.blob === key.publicKey.blob);
      if (allowed) return { state: 'ok', detail: `${key.fingerprint} (${key.kind})` };
      const publicHalf = key.path.endsWith('.pub') ? key.path : `${key.path}.pub`;
      return {
        state: 'bad',
        detail: `${key.fingerprint} is not in trust/allowed_signers: nodes refuse what it signs`,
        hint: quoteArgv(['edgectl', 'keys', 'add', publicHalf, '--principal', defaultPrincipal(env, fleet.name)]),
      };
    } catch (error) {
      if (!(error instanceof EdgectlError)) throw error;
      return { state: 'bad', detail: error.message, hint: error.hint ?? 'edgectl keys show' };
    }
  },
};
