import type { KeyObject } from 'node:crypto';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { run } from '../../../src/process/run.js';
import type { Certificate } from '../../../src/seal/evidence/certificate.js';
import { readEkAuthorities } from '../../../src/seal/evidence/ek-authorities.js';
import type { EkChainInput } from '../../../src/seal/evidence/ek-chain.js';
import { verifyEkChain } from '../../../src/seal/evidence/ek-chain.js';
import { attributeBits } from '../../../src/seal/tpm/attributes.js';
import type { PublicArea } from '../../../src/seal/tpm/public-area.js';
import { requires } from '../../helpers/requires.js';
import {
  authorityFixture,
  bitFlips,
  fixtureTime,
  publicFixture,
  refusalOf,
  tpmFixture,
} from '../../helpers/tpm-fixtures.js';

const ekUse = 'extendedKeyUsage=2.23.133.8.1';
const leafExtensions = ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,keyEncipherment', ekUse];
const authority = [
  'basicConstraints=critical,CA:TRUE',
  'keyUsage=critical,keyCertSign,cRLSign',
  'subjectKeyIdentifier=hash',
];

// All of them when `npm run fuzz` runs this.
const fewer = process.env['EDGECTL_FUZZ_INPUTS'] === undefined ? 'one-a-byte' : 'every';

describe('the endorsement keys of a real maker', () => {
  const input = (name: 'ek-rsa' | 'ek-ecc', changes: Partial<EkChainInput> = {}): EkChainInput => ({
    certificate: tpmFixture(`${name}.der`),
    ek: publicFixture(name),
    authorities: [authorityFixture('issuercert.pem')],
    now: fixtureTime,
    ...changes,
  });

  it('are vouched for by the pinned issuer, and by the pinned root when the issuer comes along', () => {
    for (const name of ['ek-rsa', 'ek-ecc'] as const) {
      expect(verifyEkChain(input(name)).authority).toBe('CN=swtpm-localca');
      const authorities = [authorityFixture('swtpm-localca-rootca-cert.pem')];
      const intermediates = [authorityFixture('issuercert.pem').raw];
      expect(verifyEkChain(input(name, { authorities, intermediates })).authority).toBe('CN=swtpm-localca-rootca');
      expect(() => verifyEkChain(input(name, { authorities }))).toThrow(/trust\/tpm-ca/);
    }
  });

  it('are refused with any one bit of the certificate turned', () => {
    for (const name of ['ek-ecc', 'ek-rsa'] as const) {
      const flips = bitFlips(tpmFixture(`${name}.der`), fewer);
      for (const { bit, flipped } of flips)
        expect(refusalOf(() => verifyEkChain(input(name, { certificate: flipped }))), `${name} bit ${bit}`).toBe('TPM_CERTIFICATE'); // prettier-ignore
    }
  });

  it('are refused with any one bit of an issuer turned that came along', () => {
    const authorities = [authorityFixture('swtpm-localca-rootca-cert.pem')];
    for (const { bit, flipped } of bitFlips(authorityFixture('issuercert.pem').raw, fewer))
      expect(refusalOf(() => verifyEkChain(input('ek-rsa', { authorities, intermediates: [flipped] }))), `bit ${bit}`).toBe('TPM_CERTIFICATE'); // prettier-ignore
  });

  it('may be padded with zeros or ones, as NV memory is, and with nothing else', () => {
    const certificate = tpmFixture('ek-rsa.der');
    for (const padding of [Buffer.alloc(99), Buffer.alloc(99, 0xff)])
      verifyEkChain(input('ek-rsa', { certificate: Buffer.concat([certificate, padding]) }));
    const other = Buffer.concat([certificate, Buffer.from([0, 0xff])]);
    expect(() => verifyEkChain(input('ek-rsa', { certificate: other }))).toThrow(/no padding/);
  });

  it('are refused outside of the certificate’s time, and for the key of another TPM', () => {
    expect(() => verifyEkChain(input('ek-rsa', { now: Date.parse('2020-01-01') }))).toThrow(/not valid before/);
    expect(() => verifyEkChain(input('ek-rsa', { ek: publicFixture('ek-ecc') }))).toThrow(/keyAgreement|another key/);
  });
});

const needs = requires('openssl');

describe.skipIf(needs.skip)('a chain to a pinned authority', () => {
  let dir: string;
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ek = rsaArea(keys.publicKey);
  const loaded = new Map<string, Certificate>();

  /** Makes a certificate, signed by `issuer` or by itself. */
  const issue = async (name: string, extensions: string[], issuer?: string, more: string[] = []): Promise<void> => {
    const own = path.join(dir, `${name}.key`);
    const shared = more.find((word) => word.startsWith('key:'))?.slice(4);
    if (name.startsWith('ek')) await writeFile(own, keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    else if (shared !== undefined) await copyFile(path.join(dir, `${shared}.key`), own);
    else if (more.includes('weak')) await openssl('genrsa', '-out', own, '1024');
    else await openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', own);
    const subject = `/CN=${more.find((word) => word.startsWith('named:'))?.slice(6) ?? name}`;
    const options = more.filter((word) => word.startsWith('-'));
    await openssl('req', '-new', '-key', own, '-subj', subject, '-out', path.join(dir, `${name}.csr`));
    await writeFile(path.join(dir, 'ext'), extensions.join('\n'));
    const by = issuer ?? name;
    const signing = issuer === undefined ? ['-signkey', own] : ['-CA', path.join(dir, `${by}.pem`), '-CAkey', path.join(dir, `${by}.key`), '-set_serial', '7']; // prettier-ignore
    const out = path.join(dir, `${name}.pem`);
    await openssl('x509', '-req', '-in', path.join(dir, `${name}.csr`), ...signing, '-days', '30', '-extfile', path.join(dir, 'ext'), '-out', out, ...options); // prettier-ignore
    const pins = path.join(dir, `pin-${name}`);
    await mkdir(pins, { recursive: true });
    await writeFile(path.join(pins, 'a.pem'), await readFile(out));
    if (extensions.some((line) => line.includes('CA:TRUE'))) {
      const [certificate] = await readEkAuthorities(pins);
      if (certificate !== undefined) loaded.set(name, certificate);
    }
  };
  const openssl = async (...args: string[]): Promise<Buffer> => {
    const result = await run(['openssl', ...args], { timeoutMs: 60_000 });
    if (result.status !== 0) throw new Error(`openssl ${args.join(' ')}: ${result.stderr}`);
    return result.stdoutBytes;
  };
  const der = (name: string): Promise<Buffer> =>
    openssl('x509', '-in', path.join(dir, `${name}.pem`), '-outform', 'DER');
  const check = async (
    leaf: string,
    pinned: string[],
    intermediates: string[] = [],
    at = Date.now() + 1000,
  ): Promise<string> => {
    const authorities = pinned.map((name) => loaded.get(name)).filter((each) => each !== undefined);
    if (authorities.length !== pinned.length) throw new Error('not made');
    const given = { certificate: await der(leaf), ek, authorities, now: at };
    return verifyEkChain({ ...given, intermediates: await Promise.all(intermediates.map(der)) }).authority;
  };

  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'edgectl-chain-'));
    await issue('root', authority);
    await issue('middle', authority, 'root');
    await issue('ek', leafExtensions, 'middle');
    await issue('ek-direct', leafExtensions, 'root');
  });

  afterAll(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  it('is found through certificates that came along, in any order, past ones that lead nowhere', async () => {
    await issue('stray', authority);
    expect(await check('ek', ['root'], ['stray', 'middle'])).toBe('CN=root');
    expect(await check('ek', ['middle'])).toBe('CN=middle');
    expect(await check('ek-direct', ['stray', 'root'])).toBe('CN=root');
    await expect(check('ek', ['stray'], ['middle', 'root'])).rejects.toThrow(/trust\/tpm-ca/);
    await expect(check('ek', [], ['middle', 'root'])).rejects.toThrow(/trust\/tpm-ca/);
  });

  it('needs the purpose of an endorsement key, and a leaf that is no authority', async () => {
    await issue('ek-tls', [...leafExtensions.slice(0, 2), 'extendedKeyUsage=serverAuth'], 'root');
    await expect(check('ek-tls', ['root'])).rejects.toThrow(/2\.23\.133\.8\.1/);
    await issue('ek-none', leafExtensions.slice(0, 2), 'root');
    await expect(check('ek-none', ['root'])).rejects.toThrow(/2\.23\.133\.8\.1/);
    await issue('ek-ca', [...authority, ekUse], 'root');
    await expect(check('ek-ca', ['root'])).rejects.toThrow(/of an authority/);
    await issue('ek-signs', ['keyUsage=digitalSignature', ekUse], 'root');
    await expect(check('ek-signs', ['root'])).rejects.toThrow(/keyEncipherment/);
  });

  it('ends at a pinned authority of that key, not at one of that name', async () => {
    await issue('impostor', authority, undefined, ['named:root']);
    await expect(check('ek-direct', ['impostor'])).rejects.toThrow(/did not issue|did not sign/);
  });

  it('holds authorities only, whose chains are as short as they say', async () => {
    await issue('plain', ['basicConstraints=CA:FALSE'], 'root');
    await issue('ek-plain', leafExtensions, 'plain');
    await expect(check('ek-plain', ['root'], ['plain'])).rejects.toThrow(/no authority/);
    await issue('mute', ['basicConstraints=CA:TRUE', 'keyUsage=cRLSign'], 'root');
    await issue('ek-mute', leafExtensions, 'mute');
    await expect(check('ek-mute', ['root'], ['mute'])).rejects.toThrow(/may not sign/);
    await issue('short', ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=keyCertSign']);
    await issue('below', authority, 'short');
    await issue('ek-below', leafExtensions, 'below');
    await issue('ek-short', leafExtensions, 'short');
    expect(await check('ek-short', ['short'])).toBe('CN=short');
    await expect(check('ek-below', ['short'], ['below'])).rejects.toThrow(/chain this long/);
  });

  it('is refused when it rests on SHA-1, a short key, or an extension that is not understood', async () => {
    await issue('ek-sha1', leafExtensions, 'root', ['-sha1']);
    await expect(check('ek-sha1', ['root'])).rejects.toThrow(/SHA-256 or better/);
    await issue('weak', authority, undefined, ['weak']);
    await issue('ek-weak', leafExtensions, 'weak');
    await expect(check('ek-weak', ['weak'])).rejects.toThrow(/1024 bits/);
    await issue('ek-odd', [...leafExtensions, '1.2.3.4=critical,DER:0500'], 'root');
    await expect(check('ek-odd', ['root'])).rejects.toThrow(/1\.2\.3\.4/);
    await issue('ek-fine', [...leafExtensions, '1.2.3.4=DER:0500'], 'root');
    expect(await check('ek-fine', ['root'])).toBe('CN=root');
    await issue('fenced', [...authority, 'nameConstraints=permitted;DNS:example.org']);
    await issue('ek-fenced', leafExtensions, 'fenced');
    await expect(check('ek-fenced', ['fenced'])).rejects.toThrow(/constrains names/);
  });

  it('is valid now or not at all, the pinned authority too', async () => {
    const day = 86_400_000;
    expect(await check('ek', ['root'], ['middle'], Date.now() + 29 * day)).toBe('CN=root');
    await expect(check('ek', ['root'], ['middle'], Date.now() + 31 * day)).rejects.toThrow(/valid until/);
  });

  it('does not cost more than its bounds when authorities vouch for each other', async () => {
    const names = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8'];
    // One key and one name: each of them issued all of them.
    await issue('r1', authority, undefined, ['named:ring']);
    for (const name of names.slice(1)) await issue(name, authority, undefined, ['named:ring', 'key:r1']);
    await issue('ek-ring', leafExtensions, 'r1');
    await expect(check('ek-ring', ['root'], names)).rejects.toThrow(/too many ways/);
    await expect(check('ek-ring', ['root'], [...names, 'middle'])).rejects.toThrow(/more than 8/);
  });
});

describe('the folder of pinned authorities', () => {
  it('may be absent, holds PEM and DER, and names the file that is wrong', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'edgectl-pins-'));
    try {
      expect(await readEkAuthorities(path.join(dir, 'none'))).toEqual([]);
      const issuer = authorityFixture('issuercert.pem');
      await writeFile(path.join(dir, 'a.der'), issuer.raw);
      const both = [tpmFixture('issuercert.pem'), tpmFixture('swtpm-localca-rootca-cert.pem')];
      await writeFile(path.join(dir, 'b.PEM'), Buffer.concat(both));
      await writeFile(path.join(dir, 'README'), 'not a certificate');
      expect(await readEkAuthorities(dir)).toHaveLength(3);
      for (const wrong of [
        tpmFixture('ek-rsa.der'),
        Buffer.from('x'),
        tpmFixture('ak.pub'),
        Buffer.from('-----BEGIN X-----'),
      ]) {
        await writeFile(path.join(dir, 'c.crt'), wrong);
        await expect(readEkAuthorities(dir)).rejects.toThrow(/c\.crt cannot be pinned/);
      }
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});

function rsaArea(key: KeyObject): PublicArea {
  const { n } = createPublicKey(key.export({ type: 'spki', format: 'pem' })).export({ format: 'jwk' });
  return {
    type: 'rsa',
    nameAlg: 'sha256',
    attributes: attributeBits(['fixedTpm', 'fixedParent', 'sensitiveDataOrigin', 'restricted', 'decrypt']),
    authPolicy: Buffer.alloc(0),
    symmetric: { keyBits: 128 },
    scheme: null,
    keyBits: 2048,
    exponent: 0,
    modulus: Buffer.from(n ?? '', 'base64url'),
  };
}
