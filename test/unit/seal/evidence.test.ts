import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import type { CertifyEvidence } from '../../../src/seal/evidence/certify.js';
import { verifyStorageKey } from '../../../src/seal/evidence/certify.js';
import type { QuoteEvidence } from '../../../src/seal/evidence/quote.js';
import { verifyQuote } from '../../../src/seal/evidence/quote.js';
import type { ObjectAttribute } from '../../../src/seal/tpm/attributes.js';
import { attributeBits, objectAttributes } from '../../../src/seal/tpm/attributes.js';
import { sized, u16, u32, u64 } from '../../../src/seal/tpm/encode.js';
import { objectName, qualifiedName } from '../../../src/seal/tpm/name.js';
import type { EccPublic, PublicArea } from '../../../src/seal/tpm/public-area.js';
import { decodePublic, encodePublic } from '../../../src/seal/tpm/public-area.js';
import { externalKey } from '../../../src/seal/tpm/public-key.js';
import { encodeSignature } from '../../../src/seal/tpm/signature.js';
import { bitFlips, publicFixture, quotedPcrs, refusalOf, tpmFixture } from '../../helpers/tpm-fixtures.js';

const quote = (changes: Partial<QuoteEvidence> = {}): QuoteEvidence => ({
  message: tpmFixture('q.msg'),
  signature: tpmFixture('q.sig'),
  ak: publicFixture('ak'),
  qualifiedSigner: qualifiedName('endorsement', publicFixture('ek-rsa'), publicFixture('ak')),
  nonce: tpmFixture('nonce.bin'),
  pcrs: quotedPcrs(),
  ...changes,
});

const certificate = (changes: Partial<CertifyEvidence> = {}): CertifyEvidence => ({
  message: tpmFixture('cert.msg'),
  signature: tpmFixture('cert.sig'),
  ak: publicFixture('ak-certify'),
  nonce: Buffer.from('00ff55aa', 'hex'),
  storageKey: publicFixture('srk'),
  ...changes,
});

/** A signer that does what a TPM does, but outside of one: its attributes are whatever it says. */
class SoftwareSigner {
  readonly #pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly area: EccPublic;

  constructor(attributes: readonly ObjectAttribute[]) {
    const scheme = { alg: 'ecdsa', hash: 'sha256' } as const;
    this.area = { ...externalKey(this.#pair.publicKey), scheme, attributes: attributeBits(attributes) };
  }

  sign(message: Buffer): Buffer {
    const pair = sign('sha256', message, { key: this.#pair.privateKey, dsaEncoding: 'ieee-p1363' });
    const [r, s] = [pair.subarray(0, 32), pair.subarray(32)];
    return encodeSignature({ alg: 'ecdsa', hash: 'sha256', r, s });
  }
}

const akAttributes = ['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'restricted', 'sign'] as const;

function certifies(signer: SoftwareSigner, key: PublicArea, qualified = qualifiedName('owner', key)): CertifyEvidence {
  const head = [u32(0xff544347), u16(0x8017), sized(Buffer.alloc(34)), sized(Buffer.from('nonce'))];
  const clock = [u64(0n), u32(0), u32(0), Buffer.from([1]), u64(7n)];
  const message = Buffer.concat([...head, ...clock, sized(objectName(key)), sized(qualified)]);
  return { message, signature: signer.sign(message), ak: signer.area, nonce: Buffer.from('nonce'), storageKey: key };
}

describe('a quote', { timeout: 60_000 }, () => {
  it('verifies, and tells when and by which firmware it was made', () => {
    expect(verifyQuote(quote())).toEqual({
      clock: { clock: 135_272n, resetCount: 12, restartCount: 0, safe: true },
      firmwareVersion: 0x2019_1023_0016_3636n,
    });
  });

  it.each(['message', 'signature', 'nonce'] as const)('is refused with any one bit of its %s turned', (part) => {
    const bytes = Buffer.from(quote()[part]);
    for (const { bit, flipped } of bitFlips(bytes))
      expect(
        refusalOf(() => verifyQuote(quote({ [part]: flipped }))),
        `bit ${bit}`,
      ).toMatch(/^TPM_/);
  });

  it('is refused with any one bit of a PCR value turned', () => {
    for (const index of [7, 11]) {
      for (const { bit, flipped } of bitFlips(quotedPcrs().get(index) ?? Buffer.alloc(0))) {
        const pcrs = quotedPcrs().set(index, flipped);
        expect(
          refusalOf(() => verifyQuote(quote({ pcrs }))),
          `bit ${bit}`,
        ).toBe('TPM_ATTESTATION');
      }
    }
  });

  it('is refused with any one bit of a public area turned, when it is known where the attestation key hangs', () => {
    for (const name of ['ak', 'ek-rsa']) {
      for (const { bit, flipped } of bitFlips(tpmFixture(`${name}.pub`))) {
        const refusal = refusalOf(() => {
          const ak = name === 'ak' ? decodePublic(flipped) : publicFixture('ak');
          const ek = name === 'ek-rsa' ? decodePublic(flipped) : publicFixture('ek-rsa');
          verifyQuote(quote({ ak, qualifiedSigner: qualifiedName('endorsement', ek, ak) }));
        });
        expect(refusal, `${name} bit ${bit}`).toMatch(/^TPM_/);
      }
    }
  });

  it('is refused for fewer, more or other PCRs than those signed', () => {
    const zero = Buffer.alloc(32);
    for (const indices of [[7], [11], [7, 12], [7, 11, 12]]) {
      const pcrs = new Map(indices.map((index) => [index, zero]));
      expect(
        refusalOf(() => verifyQuote(quote({ pcrs }))),
        String(indices),
      ).toBe('TPM_ATTESTATION');
    }
    expect(refusalOf(() => verifyQuote(quote({ pcrs: new Map() })))).toBe('SEAL_POLICY_INVALID');
  });

  it('is refused with its two PCR values exchanged', () => {
    const [a, b] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const signer = new SoftwareSigner(akAttributes);
    const digest = createHash('sha256').update(a).update(b).digest();
    const selection = Buffer.from('00000001000b03800800', 'hex');
    const head = [u32(0xff544347), u16(0x8018), sized(Buffer.alloc(34)), sized(Buffer.from('nonce'))];
    const clock = [u64(0n), u32(0), u32(0), Buffer.from([0]), u64(7n)];
    const message = Buffer.concat([...head, ...clock, selection, sized(digest)]);
    const made = { message, signature: signer.sign(message), ak: signer.area, nonce: Buffer.from('nonce') };
    const right = new Map([[11, b], [7, a]]); // prettier-ignore
    expect(verifyQuote({ ...made, pcrs: right }).clock.safe).toBe(false);
    const wrong = new Map([[7, b], [11, a]]); // prettier-ignore
    expect(refusalOf(() => verifyQuote({ ...made, pcrs: wrong }))).toBe('TPM_ATTESTATION');
  });

  it('is refused with an empty nonce: nothing would tell it from an old one', () => {
    expect(refusalOf(() => verifyQuote(quote({ nonce: Buffer.alloc(0) })))).toBe('TPM_ATTESTATION');
  });

  it('is refused when another key signed it, or another parent is expected', () => {
    const other = new SoftwareSigner(akAttributes).area;
    expect(refusalOf(() => verifyQuote(quote({ ak: other })))).toBe('TPM_ATTESTATION');
    const belowSrk = qualifiedName('owner', publicFixture('srk'), publicFixture('ak'));
    expect(() => verifyQuote(quote({ qualifiedSigner: belowSrk }))).toThrow(/does not hang from/);
  });

  it('is refused where a certification is wanted, and the other way round', () => {
    expect(refusalOf(() => verifyStorageKey({ ...quote(), storageKey: publicFixture('srk') }))).toBe('TPM_ATTESTATION');
    expect(refusalOf(() => verifyQuote({ ...certificate(), pcrs: quotedPcrs() }))).toBe('TPM_ATTESTATION');
  });
});

describe('the certification of a storage key', { timeout: 60_000 }, () => {
  it('verifies', () => {
    expect(verifyStorageKey(certificate()).clock).toMatchObject({ resetCount: 14, safe: false });
  });

  it.each(['message', 'signature', 'nonce'] as const)('is refused with any one bit of its %s turned', (part) => {
    for (const { bit, flipped } of bitFlips(Buffer.from(certificate()[part])))
      expect(
        refusalOf(() => verifyStorageKey(certificate({ [part]: flipped }))),
        `bit ${bit}`,
      ).toMatch(/^TPM_/);
  });

  it('is refused with any one bit of the storage key turned', () => {
    for (const { bit, flipped } of bitFlips(tpmFixture('srk.pub'))) {
      const refusal = refusalOf(() => verifyStorageKey(certificate({ storageKey: decodePublic(flipped) })));
      expect(refusal, `bit ${bit}`).toMatch(/^TPM_/);
    }
  });

  it('is refused for a key made outside of the TPM, though the attestation key certifies it', () => {
    const outside: PublicArea = { ...publicFixture('srk'), attributes: objectAttributes.decrypt };
    const evidence = certifies(new SoftwareSigner(akAttributes), outside);
    expect(() => verifyStorageKey(evidence)).toThrow(/lacks fixedTpm.*lacks restricted/);
    // The same signer is believed about the genuine key: it is the attributes that are refused.
    verifyStorageKey(certifies(new SoftwareSigner(akAttributes), publicFixture('srk')));
  });

  it('is refused for a key that hangs from another parent than the owner hierarchy', () => {
    const srk = publicFixture('srk');
    const evidence = certifies(new SoftwareSigner(akAttributes), srk, qualifiedName('owner', srk, srk));
    expect(() => verifyStorageKey(evidence)).toThrow(/no primary key/);
  });

  it.each(akAttributes)('is refused when the attestation key lacks %s', (absent) => {
    const signer = new SoftwareSigner(akAttributes.filter((name) => name !== absent));
    expect(() => verifyStorageKey(certifies(signer, publicFixture('srk')))).toThrow(`lacks ${absent}`);
  });

  it.each(['decrypt', 'stClear', 'encryptedDuplication', 'x509Sign'] as const)(
    'is refused when the attestation key has %s',
    (extra) => {
      const signer = new SoftwareSigner([...akAttributes, extra]);
      expect(() => verifyStorageKey(certifies(signer, publicFixture('srk')))).toThrow(`must not have ${extra}`);
    },
  );

  it('is refused when the attestation key leaves its scheme open: it could sign with any hash', () => {
    const signer = new SoftwareSigner(akAttributes);
    signer.area.scheme = null;
    expect(() => verifyStorageKey(certifies(signer, publicFixture('srk')))).toThrow(/no signing scheme/);
  });

  it('encodes public areas as it read them', () => {
    for (const name of ['ak', 'ak-certify', 'srk', 'ek-rsa', 'ek-ecc'])
      expect(encodePublic(publicFixture(name)), name).toEqual(tpmFixture(`${name}.pub`));
  });
});
