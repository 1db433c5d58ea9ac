import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { decodeAttest } from '../../../src/seal/tpm/attest.js';
import { attributeBits, attributeFaults, attributeNames } from '../../../src/seal/tpm/attributes.js';
import type { ObjectAttribute } from '../../../src/seal/tpm/attributes.js';
import { objectName } from '../../../src/seal/tpm/name.js';
import { encodePcrSelections, pcrIndices, unmeasuredPcrs } from '../../../src/seal/tpm/pcr.js';
import type { PublicArea } from '../../../src/seal/tpm/public-area.js';
import { decodePublic, decodePublicArea, encodePublic, encodePublicArea } from '../../../src/seal/tpm/public-area.js';
import { keyOfPublicArea } from '../../../src/seal/tpm/public-key.js';
import { decodeSignature, encodeSignature } from '../../../src/seal/tpm/signature.js';
import { publicFixture, refusalOf, tpmFixture } from '../../helpers/tpm-fixtures.js';

const names: ObjectAttribute[] = ['fixedTpm', 'fixedParent', 'userWithAuth', 'noDa', 'restricted', 'decrypt', 'sign'];
const bytes = (size: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: size, maxLength: size }).map((each) => Buffer.from(each));
const hash = fc.constantFrom('sha256', 'sha384', 'sha512');
const sizeOf = { sha256: 32, sha384: 48, sha512: 64 } as const;
const common = fc
  .record({ nameAlg: hash, attributes: fc.subarray(names).map(attributeBits), restricted: fc.boolean() })
  .chain(({ nameAlg, attributes, restricted }) =>
    (restricted ? bytes(sizeOf[nameAlg]) : bytes(0)).map((authPolicy) => ({ nameAlg, attributes, authPolicy })),
  );
const symmetric = fc.option(fc.constantFrom(128, 192, 256).map((keyBits) => ({ keyBits }) as { keyBits: 128 }));
const schemes = <T extends string>(...algs: T[]) =>
  fc.option(fc.record({ alg: fc.constantFrom(...algs), hash }) as fc.Arbitrary<{ alg: T; hash: 'sha256' }>);

const areas: fc.Arbitrary<PublicArea> = fc.oneof(
  fc
    .tuple(common, symmetric, schemes('rsassa', 'rsapss', 'oaep'), fc.constantFrom(2048, 3072, 4096))
    .chain(([shared, sym, scheme, keyBits]) =>
      bytes(keyBits / 8).map((modulus): PublicArea => {
        modulus.writeUInt8(modulus.readUInt8(0) | 0x80, 0);
        return { type: 'rsa', ...shared, symmetric: sym, scheme, keyBits, exponent: 0, modulus };
      }),
    ),
  fc
    .tuple(common, symmetric, schemes('ecdsa', 'ecdh'), fc.constantFrom('p256', 'p384'))
    .chain(([shared, sym, scheme, curve]) =>
      fc
        .tuple(bytes(curve === 'p256' ? 32 : 48), bytes(curve === 'p256' ? 32 : 48))
        .map(([x, y]): PublicArea => ({ type: 'ecc', ...shared, symmetric: sym, scheme, curve, x, y })),
    ),
  fc
    .tuple(common, schemes('hmac'))
    .chain(([shared, scheme]) =>
      bytes(sizeOf[shared.nameAlg]).map((unique): PublicArea => ({ type: 'keyedhash', ...shared, scheme, unique })),
    ),
);

describe('public areas', { timeout: 60_000 }, () => {
  it('read back as they were written, whatever they hold', () => {
    fc.assert(
      fc.property(areas, (area) => {
        expect(decodePublicArea(encodePublicArea(area))).toEqual(area);
        expect(decodePublic(encodePublic(area))).toEqual(area);
      }),
    );
  });

  it('that can be read are written to the same bytes: no two texts have one meaning', () => {
    const seeds = ['ak', 'srk', 'ek-rsa', 'ek-ecc'].map((name) => tpmFixture(`${name}.pub`));
    fc.assert(
      fc.property(fc.constantFrom(...seeds), fc.nat(), fc.integer({ min: 0, max: 255 }), (seed, at, value) => {
        const changed = Buffer.from(seed);
        changed.writeUInt8(value, at % changed.length);
        let area: PublicArea | undefined;
        if (refusalOf(() => (area = decodePublic(changed))) !== undefined || area === undefined) return;
        expect(encodePublic(area)).toEqual(changed);
      }),
      { numRuns: 600 },
    );
  });

  it('keep nothing of the bytes that they were read from', () => {
    const source = tpmFixture('ak.pub');
    const area = decodePublic(source);
    const before = objectName(area);
    source.fill(0);
    expect(objectName(area)).toEqual(before);
  });

  it('have the name that the quote’s TPM certified for the storage key', () => {
    const attest = decodeAttest(tpmFixture('cert.msg'));
    expect(attest.type === 'certify' && attest.name).toEqual(objectName(publicFixture('srk')));
  });

  const patch = (name: string, at: number, hex: string): Buffer => {
    const changed = tpmFixture(`${name}.pub`);
    Buffer.from(hex, 'hex').copy(changed, at);
    return changed;
  };
  it.each([
    ['bytes after its end', Buffer.concat([tpmFixture('ak.pub'), Buffer.alloc(1)]), /1 bytes follow/],
    ['a size beyond its end', tpmFixture('ak.pub').subarray(0, -1), /ends in the middle/],
    ['nothing at all', Buffer.alloc(0), /ends in the middle/],
    ['an object of an unknown type', patch('ak', 2, '0025'), /type 0x0025/],
    ['a name made with SHA-1', patch('ak', 4, '0004'), /0x0004/],
    ['a reserved attribute', patch('ak', 6, '80050072'), /reserved attribute/],
    ['an unknown curve', patch('ak', 18, '0010'), /curve/],
    ['an RSA key of 1024 bits', patch('ek-rsa', 52, '0400'), /1024 bits/],
    ['a public exponent of three', patch('ek-rsa', 54, '00000003'), /exponent/],
  ])('are refused with %s', (_, changed, why) => {
    expect(() => decodePublic(changed)).toThrow(why);
  });

  it('whose point lies off the curve hold no key', () => {
    const area = publicFixture('ak');
    if (area.type !== 'ecc') throw new Error('the fixture is an ECC key');
    const off = { ...area, y: Buffer.alloc(32, 1) };
    expect(refusalOf(() => keyOfPublicArea(off))).toBe('TPM_STRUCTURE');
  });
});

describe('signatures', () => {
  it('read back as they were written', () => {
    for (const name of ['q.sig', 'cert.sig']) {
      const signature = tpmFixture(name);
      expect(encodeSignature(decodeSignature(signature))).toEqual(signature);
    }
    const rsa = { alg: 'rsassa', hash: 'sha384', signature: Buffer.alloc(256, 7) } as const;
    expect(decodeSignature(encodeSignature(rsa))).toEqual(rsa);
  });
});

describe('PCRs', () => {
  it('are selected by a bitmap with the lowest index first', () => {
    const encoded = encodePcrSelections([{ bank: 'sha256', pcrs: [7, 11] }]);
    expect(encoded.toString('hex')).toBe('00000001000b03800800');
  });

  it('are put in order, once each, and stay between 0 and 23', () => {
    expect(pcrIndices([11, 7, 11])).toEqual([7, 11]);
    for (const wrong of [[], [24], [-1], [1.5]]) expect(refusalOf(() => pcrIndices(wrong))).toBe('SEAL_POLICY_INVALID');
  });

  it('say nothing when they are all zeros or all ones', () => {
    const values = new Map([[0, Buffer.alloc(32)], [7, Buffer.alloc(32, 0xff)], [8, Buffer.alloc(32, 0xfe)]]); // prettier-ignore
    expect(unmeasuredPcrs(values)).toEqual([0, 7]);
  });
});

describe('attributes', () => {
  it('are named, and what is wrong with them too', () => {
    const bits = attributeBits(['fixedTpm', 'sign']);
    expect(attributeNames(bits)).toEqual(['fixedTpm', 'sign']);
    expect(attributeFaults(bits, { all: ['fixedTpm', 'restricted'], none: ['sign'] })).toEqual([
      'lacks restricted',
      'must not have sign',
    ]);
  });
});
