import { homedir, tmpdir } from 'node:os';
import type { Fleet } from '../fleet/types.js';
import type { Namespace } from '../keys/namespaces.js';
import { signText } from '../keys/sign.js';
import { findSigningKey } from '../keys/signing-key.js';
import type { Verified } from '../keys/verify.js';
import { verifyText } from '../keys/verify.js';

/** Who signs bundles here, and how. */
export interface FleetSigningOptions {
  namespace: Namespace;
  env: Readonly<Record<string, string | undefined>>;
  interactive: boolean;
  signal: AbortSignal;
}

/** A fleet's key, for statements in one namespace. */
export interface FleetSigning {
  /** An armored signature that the fleet's own trust accepts: a bundle that no node would take is never made. */
  sign(statement: string): Promise<string>;
  /** Throws BUNDLE_SIGNATURE. */
  verify(statement: string, signature: string): Promise<Verified>;
  accept(statement: string, signature: string): Promise<boolean>;
  warnings: string[];
}

/** Finds the fleet's signing key. Throws KEYS_NOT_FOUND. */
export async function fleetSigning(
  fleet: Pick<Fleet, 'id' | 'allowedSignersFile'>,
  { namespace, env, interactive, signal }: FleetSigningOptions,
): Promise<FleetSigning> {
  const key = await findSigningKey({ env, homedir: env['HOME'] ?? homedir() }, fleet.id);
  const verify = async (text: string, signature: string): Promise<Verified> =>
    await verifyText({
      namespace,
      text,
      signature,
      allowedSigners: fleet.allowedSignersFile,
      tmpdir: env['TMPDIR'] ?? tmpdir(),
    });
  return {
    verify,
    sign: async (text) => {
      const signature = await signText({ namespace, text, key, interactive, signal });
      await verify(text, signature);
      return signature;
    },
    accept: async (text, signature) =>
      await verify(text, signature).then(
        () => true,
        () => false,
      ),
    warnings: key.warning === undefined ? [] : [key.warning],
  };
}
