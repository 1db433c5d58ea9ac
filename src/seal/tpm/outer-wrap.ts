import {
  constants,
  createCipheriv,
  createHmac,
  diffieHellman,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { EdgectlError } from '../../errors/error.js';
import type { HashName } from './algorithms.js';
import { curves, digestSizes } from './algorithms.js';
import { padLeft, sized } from './encode.js';
import { kdfA, kdfE } from './kdf.js';
import type { EccPublic, PublicArea, RsaPublic } from './public-area.js';
import { keyOfPublicArea } from './public-key.js';

/** What the wrap is for; the label keeps a blob for one purpose from being used for another. */
export type WrapPurpose = 'IDENTITY' | 'DUPLICATE';

/** Something that only the TPM with the parent key can open, bound to the name of an object. */
export interface OuterWrap {
  /** HMAC over the ciphertext and the name. */
  integrity: Buffer;
  /** AES-CFB. */
  ciphertext: Buffer;
  /** TPM2B_ENCRYPTED_SECRET: the seed of both keys, for the parent. */
  encryptedSeed: Buffer;
}

/** The outer wrap (TPM 2.0 Library part 1, 23.3.2.3 and 24.4): a fresh seed for the parent, AES-CFB and HMAC under keys from it. Throws TPM_STRUCTURE when the parent is no storage key. */
export function outerWrap(
  purpose: WrapPurpose,
  parent: PublicArea,
  name: Uint8Array,
  plaintext: Uint8Array,
): OuterWrap {
  if (parent.type === 'keyedhash' || parent.symmetric === null) {
    throw new EdgectlError('TPM_STRUCTURE', {
      message: 'The parent is no storage key: it has no symmetric algorithm to protect others with.',
    });
  }
  const hash = parent.nameAlg;
  const { seed, encryptedSeed } = parent.type === 'rsa' ? seedForRsa(purpose, parent) : seedForEcc(purpose, parent);
  const { keyBits } = parent.symmetric;
  const key = kdfA(seed, { hash, label: 'STORAGE', u: name, bits: keyBits });
  const hmacKey = kdfA(seed, { hash, label: 'INTEGRITY', bits: digestSizes[hash] * 8 });
  const cipher = createCipheriv(`aes-${keyBits}-cfb`, key, Buffer.alloc(16));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  const integrity = createHmac(hash, hmacKey).update(ciphertext).update(name).digest();
  for (const secret of [seed, key, hmacKey]) secret.fill(0);
  return { integrity, ciphertext, encryptedSeed };
}

interface Seed {
  seed: Buffer;
  encryptedSeed: Buffer;
}

/** OAEP with the purpose as its label, NUL included (part 1, B.10.3). */
function seedForRsa(purpose: WrapPurpose, parent: RsaPublic): Seed {
  const hash: HashName = parent.nameAlg;
  const seed = randomBytes(digestSizes[hash]);
  const secret = publicEncrypt(
    {
      key: keyOfPublicArea(parent),
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: hash,
      oaepLabel: Buffer.from(`${purpose}\0`, 'ascii'),
    },
    seed,
  );
  return { seed, encryptedSeed: sized(secret) };
}

/** One-pass ECDH with an ephemeral key; what is sent is its point (part 1, C.6.3). */
function seedForEcc(purpose: WrapPurpose, parent: EccPublic): Seed {
  const { openssl, size } = curves[parent.curve];
  const ephemeral = generateKeyPairSync('ec', { namedCurve: openssl });
  const secret = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: keyOfPublicArea(parent) });
  const point = ephemeral.publicKey.export({ format: 'jwk' });
  const [x, y] = [point.x, point.y].map((part) => padLeft(Buffer.from(part ?? '', 'base64url'), size)) as [
    Buffer,
    Buffer,
  ];
  const hash = parent.nameAlg;
  const bits = digestSizes[hash] * 8;
  const seed = kdfE(secret, { hash, label: purpose, u: x, v: padLeft(parent.x, size), bits });
  secret.fill(0);
  return { seed, encryptedSeed: sized(sized(x), sized(y)) };
}
