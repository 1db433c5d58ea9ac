import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import type { ApprovedPolicy } from '../../../src/seal/tpm/approved-policy.js';
import {
  approvePolicy,
  authorizedPolicy,
  isApproved,
  policyReference,
  policySigner,
} from '../../../src/seal/tpm/approved-policy.js';
import { generationCounter, nvIndexName } from '../../../src/seal/tpm/nv-index.js';
import { policyDigest } from '../../../src/seal/tpm/policy.js';
import { Sensitive } from '../../../src/seal/sensitive.js';
import { sealForImport } from '../../../src/seal/tpm/remote-seal.js';
import { decodePublic } from '../../../src/seal/tpm/public-area.js';
import { makeCredential } from '../../../src/seal/tpm/make-credential.js';
import { bitFlips, publicFixture, refusalOf } from '../../helpers/tpm-fixtures.js';

const measured = new Map([[7, Buffer.alloc(32, 0xa5)]]);
const reference = policyReference({ node: 'pos-001' });
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

describe('a policy', () => {
  // Computed by a TPM (swtpm 0.7.1, trial sessions of tpm2-tools 5.4).
  it('has the digest that a TPM computes', () => {
    const nvName = nvIndexName(generationCounter(0x0180_0100));
    const digests = {
      nvName: '000b1643086fa6c27fc7b5a665218ea0c14b93a3c30dc600e1ef6426acf65ee0cdf4',
      pcr: '6368ecf6cbfed99bc6f42758a2c6a4a1d698756c0563401771751b1a3a0404e1',
      nv: 'e95a7ca8b067ed49b315cf0c1a1794d1cc6437a14bcee01b430ddc0a12dfbafa',
      clock: 'd9ae674d346e71b5c8698d781596e068baf7f67ffdd6d672825d34e34b40ae7d',
      all: '1dee2fa0d5a94a960cc6fb8e51ca3ba683d2da371fd6e4ed7da10f15106b7bb4',
    };
    expect(nvName.toString('hex')).toBe(digests.nvName);
    expect(policyDigest({ pcrs: measured }).toString('hex')).toBe(digests.pcr);
    expect(policyDigest({ counter: { nvName, generation: 5n } }).toString('hex')).toBe(digests.nv);
    expect(policyDigest({ clockBelow: 86_400_000n }).toString('hex')).toBe(digests.clock);
    const all = { pcrs: measured, counter: { nvName, generation: 5n }, clockBelow: 86_400_000n };
    expect(policyDigest(all).toString('hex')).toBe(digests.all);
  });

  it('over PCRs into which nothing was measured is refused: a TPM would take it, and it would protect nothing', () => {
    for (const value of [Buffer.alloc(32), Buffer.alloc(32, 0xff)]) {
      const pcrs = new Map([...measured, [11, value]]);
      expect(() => policyDigest({ pcrs })).toThrow(/PCR 11/);
    }
    expect(refusalOf(() => policyDigest({ pcrs: new Map() }))).toBe('SEAL_POLICY_INVALID');
    expect(refusalOf(() => policyDigest({ pcrs: new Map([[7, Buffer.alloc(20, 1)]]) }))).toBe('SEAL_POLICY_INVALID');
  });

  it('with a number that does not fit is refused', () => {
    for (const clockBelow of [-1n, 1n << 64n])
      expect(refusalOf(() => policyDigest({ clockBelow }))).toBe('SEAL_POLICY_INVALID');
  });

  it('differs with every condition, every value and every index', () => {
    const counter = (generation: bigint, index = 0x0180_0100) => ({
      counter: { nvName: nvIndexName(generationCounter(index)), generation },
    });
    const all = [
      policyDigest({}),
      policyDigest({ pcrs: measured }),
      policyDigest({ pcrs: new Map([[8, Buffer.alloc(32, 0xa5)]]) }),
      policyDigest({ pcrs: new Map([[7, Buffer.alloc(32, 0xa4)]]) }),
      policyDigest({ pcrs: measured, ...counter(1n) }),
      policyDigest(counter(1n)),
      policyDigest(counter(2n)),
      policyDigest(counter(1n, 0x0180_0101)),
      policyDigest({ clockBelow: 1n }),
    ].map((digest) => digest.toString('hex'));
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('an approved policy', { timeout: 60_000 }, () => {
  const approve = (): Promise<ApprovedPolicy> =>
    approvePolicy(policyDigest({ pcrs: measured }), reference, policySigner(pair.privateKey));

  it('is approved by its key, for its reference, and not with any one bit turned', async () => {
    const approved = await approve();
    expect(isApproved(pair.publicKey, reference, approved)).toBe(true);
    for (const part of ['digest', 'signature'] as const) {
      for (const { bit, flipped } of bitFlips(approved[part])) {
        let accepted = false;
        refusalOf(() => (accepted = isApproved(pair.publicKey, reference, { ...approved, [part]: flipped })));
        expect(accepted, `${part} bit ${bit}`).toBe(false);
      }
    }
    expect(isApproved(pair.publicKey, policyReference({ node: 'pos-002' }), approved)).toBe(false);
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(isApproved(other.publicKey, reference, approved)).toBe(false);
  });

  it('of no condition at all is never signed: it would open everything', async () => {
    const signer = policySigner(pair.privateKey);
    await expect(approvePolicy(policyDigest({}), reference, signer)).rejects.toThrow(/at least one condition/);
    await expect(approvePolicy(Buffer.alloc(31, 1), reference, signer)).rejects.toThrow(/at least one condition/);
  });

  it('cannot move the border between digest and reference', async () => {
    // TPM and edgectl sign digest and reference one after the other: only a digest of fixed length keeps them apart.
    const approved = await approve();
    const longer = Buffer.concat([approved.digest, reference.subarray(0, 1)]);
    expect(isApproved(pair.publicKey, reference.subarray(1), { ...approved, digest: longer })).toBe(false);
  });

  it('refers to one node or one group, in at most 64 bytes', () => {
    expect(reference.toString()).toBe('edgectl/v1/node=pos-001');
    expect(policyReference({ group: 'kiosk' }).toString()).toBe('edgectl/v1/group=kiosk');
    expect(refusalOf(() => policyReference({ node: 'x'.repeat(60) }))).toBe('SEAL_POLICY_INVALID');
  });

  it('is of a key on P-256 only', () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey;
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    for (const key of [p384, rsa]) expect(refusalOf(() => authorizedPolicy(key, reference))).toBe('TPM_STRUCTURE');
  });
});

describe('what is sealed from afar', () => {
  const policy = authorizedPolicy(pair.publicKey, reference);
  const seal = (data: Buffer, parent = publicFixture('srk'), authPolicy = policy) =>
    sealForImport(parent, authPolicy, new Sensitive(data));

  it('opens by its policy alone: no password, no way out', () => {
    const area = decodePublic(seal(Buffer.from('x')).publicArea);
    expect(area).toMatchObject({ type: 'keyedhash', authPolicy: policy, attributes: 1 << 10, scheme: null });
  });

  it('does not tell by its name which secret it is', () => {
    const [one, other] = [seal(Buffer.from('same')), seal(Buffer.from('same'))];
    expect(one.name).not.toEqual(other.name);
    expect(one.duplicate).not.toEqual(other.duplicate);
    expect(one.duplicate.includes('same')).toBe(false);
  });

  it('is 1 to 128 bytes, under a policy that is one, below a storage key', () => {
    for (const size of [0, 129]) expect(refusalOf(() => seal(Buffer.alloc(size)))).toBe('TPM_STRUCTURE');
    for (const none of [Buffer.alloc(0), Buffer.alloc(32), Buffer.alloc(48, 1)])
      expect(refusalOf(() => seal(Buffer.from('x'), publicFixture('srk'), none))).toBe('SEAL_POLICY_INVALID');
    expect(refusalOf(() => seal(Buffer.from('x'), publicFixture('ak')))).toBe('TPM_STRUCTURE');
  });

  it('challenges a TPM with no more than its digest holds', () => {
    const ek = publicFixture('ek-rsa');
    for (const size of [0, 33])
      expect(refusalOf(() => makeCredential(ek, Buffer.alloc(34), Buffer.alloc(size)))).toBe('TPM_STRUCTURE');
    expect(refusalOf(() => makeCredential(publicFixture('ak'), Buffer.alloc(34), Buffer.alloc(8)))).toBe(
      'TPM_STRUCTURE',
    );
  });
});
