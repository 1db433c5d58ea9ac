import { createHash } from 'node:crypto';
import type { HashName } from './algorithms.js';
import { algorithmIds } from './algorithms.js';
import { u16, u32 } from './encode.js';
import type { PublicArea } from './public-area.js';
import { encodePublicArea } from './public-area.js';

/** Where a tree of keys begins. */
export type Hierarchy = 'owner' | 'endorsement';

/** TPM_RH_OWNER and TPM_RH_ENDORSEMENT; a hierarchy's name is its handle. */
const hierarchies: Readonly<Record<Hierarchy, Buffer>> = { owner: u32(0x4000_0001), endorsement: u32(0x4000_000b) };

/** An object's Name: the name algorithm and the digest of the public area (TPM 2.0 Library part 1, 16). */
export function objectName(area: PublicArea): Buffer {
  return nameOf(area.nameAlg, encodePublicArea(area));
}

/** A Name: the algorithm's id, then the digest. */
export function nameOf(hash: HashName, bytes: Uint8Array): Buffer {
  return Buffer.concat([u16(algorithmIds[hash]), createHash(hash).update(bytes).digest()]);
}

/** The qualified name of an object, its ancestors first: says which parents it hangs from (part 1, 26.5). */
export function qualifiedName(hierarchy: Hierarchy, ...path: readonly PublicArea[]): Buffer {
  return path.reduce<Buffer>(
    (parent, area) => nameOf(area.nameAlg, Buffer.concat([parent, objectName(area)])),
    hierarchies[hierarchy],
  );
}
