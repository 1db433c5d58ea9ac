import { createHash } from 'node:crypto';

import { canonicalJson } from './canonical.js';

/** sha256 of UTF-8 text or bytes, lower-case hex. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The digest of a plan: sha256 of the canonical JSON of everything but `digest` and `authority`, which name and sign it. */
export function planDigest(plan: object): string {
  const { digest: _digest, authority: _authority, ...body } = plan as Record<string, unknown>;
  return sha256Hex(canonicalJson(body));
}
