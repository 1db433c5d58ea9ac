import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { verifyStorageKey } from '../../../src/seal/evidence/certify.js';
import { readEkAuthorities } from '../../../src/seal/evidence/ek-authorities.js';
import { ekHashOf, verifyEkChain } from '../../../src/seal/evidence/ek-chain.js';
import { verifyQuote } from '../../../src/seal/evidence/quote.js';
import { credentialFile, makeCredential } from '../../../src/seal/tpm/make-credential.js';
import { objectName, qualifiedName } from '../../../src/seal/tpm/name.js';
import { generationCounter, nvIndexName } from '../../../src/seal/tpm/nv-index.js';
import { policyAuthorize, policyDigest } from '../../../src/seal/tpm/policy.js';
import type { PublicArea } from '../../../src/seal/tpm/public-area.js';
import { decodePublic, encodePublic } from '../../../src/seal/tpm/public-area.js';
import { externalKey } from '../../../src/seal/tpm/public-key.js';
import { requires } from '../../helpers/requires.js';
import type { SoftwareTpm } from '../../helpers/swtpm.js';
import { TpmMaker } from '../../helpers/swtpm.js';

const needs = requires('swtpm');
const srkAttributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt';
const akAttributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign|noda';
const pcr7 = randomBytes(32);

describe.skipIf(needs.skip)('structures of a real TPM', () => {
  let maker: TpmMaker;
  let tpm: SoftwareTpm;
  let other: SoftwareTpm;
  const srk = async (): Promise<PublicArea> => decodePublic(await tpm.read('srk.pub'));
  const ak = async (): Promise<PublicArea> => decodePublic(await tpm.read('ak.pub'));

  beforeAll(async () => {
    maker = await TpmMaker.create();
    tpm = await maker.make('a');
    other = await maker.make('b');
    for (const each of [tpm, other]) {
      await each.run('tpm2_createprimary', '-C', 'o', '-g', 'sha256', '-G', 'ecc256:aes128cfb', '-a', srkAttributes, '-c', 'srk.ctx'); // prettier-ignore
      await each.run('tpm2_evictcontrol', '-C', 'o', '-c', 'srk.ctx', '0x81000001');
      await each.flush();
      await each.run('tpm2_readpublic', '-c', '0x81000001', '-o', 'srk.pub', '-n', 'srk.name', '-q', 'srk.qname');
      await each.run('tpm2_create', '-C', '0x81000001', '-G', 'ecc256:ecdsa-sha256:null', '-g', 'sha256', '-a', akAttributes, '-u', 'ak.pub', '-r', 'ak.priv'); // prettier-ignore
      await each.flush();
      await each.run('tpm2_load', '-C', '0x81000001', '-u', 'ak.pub', '-r', 'ak.priv', '-c', 'ak.ctx');
      await each.run('tpm2_evictcontrol', '-C', 'o', '-c', 'ak.ctx', '0x81010003');
      await each.flush();
      await each.run('tpm2_readpublic', '-c', '0x81010001', '-o', 'ek-rsa.pub');
      await each.run('tpm2_readpublic', '-c', '0x81010016', '-o', 'ek-p384.pub');
      await each.run('tpm2_pcrextend', `7:sha256=${pcr7.toString('hex')}`);
      await each.run('tpm2_pcrread', 'sha256:7', '-o', 'pcr7');
    }
  });

  afterEach(async () => {
    await tpm.flush();
  });

  afterAll(async () => {
    await maker?.remove();
  });

  it('have the names that the TPM gives them, and read back to the same bytes', async () => {
    for (const [name, handle] of [
      ['srk', '0x81000001'],
      ['ak', '0x81010003'],
      ['ek-rsa', '0x81010001'],
      ['ek-p384', '0x81010016'],
    ] as const) {
      // prettier-ignore
      await tpm.run('tpm2_readpublic', '-c', handle, '-o', 'x.pub', '-n', 'x.name');
      const bytes = await tpm.read('x.pub');
      expect(encodePublic(decodePublic(bytes)), name).toEqual(bytes);
      expect(objectName(decodePublic(bytes)), name).toEqual(await tpm.read('x.name'));
    }
    await tpm.run('tpm2_readpublic', '-c', '0x81010003', '-o', 'x.pub', '-q', 'ak.qname');
    expect(qualifiedName('owner', await srk(), await ak())).toEqual(await tpm.read('ak.qname'));
  });

  it('let a quote be verified that the TPM made now, and tell a reset', async () => {
    const nonce = randomBytes(20);
    const quote = async (): Promise<ReturnType<typeof verifyQuote>> => {
      await tpm.run('tpm2_quote', '-c', '0x81010003', '-l', 'sha256:7', '-q', nonce.toString('hex'), '-m', 'q.msg', '-s', 'q.sig', '-o', 'q.pcrs', '-F', 'values', '-g', 'sha256'); // prettier-ignore
      return verifyQuote({
        message: await tpm.read('q.msg'),
        signature: await tpm.read('q.sig'),
        ak: await ak(),
        qualifiedSigner: qualifiedName('owner', await srk(), await ak()),
        nonce,
        pcrs: new Map([[7, await tpm.read('q.pcrs')]]),
      });
    };
    const before = await quote();
    await tpm.powerOff();
    await tpm.powerOn();
    await tpm.run('tpm2_pcrextend', `7:sha256=${pcr7.toString('hex')}`);
    const after = await quote();
    expect(after.clock.resetCount).toBe(before.clock.resetCount + 1);
    expect(after.firmwareVersion).toBe(before.firmwareVersion);
  });

  it('let an attestation key vouch for the storage key, and not for a key loaded from outside', async () => {
    const certify = async (subject: string): Promise<void> => {
      await tpm.flush();
      await tpm.run('tpm2_certify', '-c', subject, '-C', '0x81010003', '-g', 'sha256', '-o', 'c.msg', '-s', 'c.sig');
    };
    const evidence = async (storageKey: PublicArea) => ({
      message: await tpm.read('c.msg'),
      signature: await tpm.read('c.sig'),
      ak: await ak(),
      // What tpm2_certify 5.4 signs along cannot be chosen.
      nonce: Buffer.from('00ff55aa', 'hex'),
      storageKey,
    });
    await certify('0x81000001');
    expect(verifyStorageKey(await evidence(await srk())).firmwareVersion).toBeGreaterThan(0n);

    const outside = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await tpm.write('outside.pem', outside.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await tpm.run('tpm2_loadexternal', '-C', 'n', '-G', 'ecc', '-r', 'outside.pem', '-c', 'outside.ctx');
    await tpm.run('tpm2_readpublic', '-c', 'outside.ctx', '-o', 'outside.pub');
    await certify('outside.ctx');
    const area = decodePublic(await tpm.read('outside.pub'));
    const claimed = await evidence(area);
    expect(() => verifyStorageKey(claimed)).toThrow(/no primary key|lacks fixedTpm/);
  });

  it('prove a genuine TPM by the certificates in its NV memory', async () => {
    await maker.pinIn(`${maker.dir}/pinned`);
    const authorities = await readEkAuthorities(`${maker.dir}/pinned`);
    for (const [name, index] of [
      ['ek-rsa', '0x1c00002'],
      ['ek-p384', '0x1c00016'],
    ] as const) {
      // prettier-ignore
      const certificate = await tpm.run('tpm2_nvread', index);
      const ek = decodePublic(await tpm.read(`${name}.pub`));
      const chain = verifyEkChain({ certificate, ek, authorities, now: Date.now() });
      expect(chain).toMatchObject({ authority: 'CN=swtpm-localca', ekHash: ekHashOf(ek) });
      const padded = Buffer.concat([certificate, Buffer.alloc(100, 0xff)]);
      expect(verifyEkChain({ certificate: padded, ek, authorities, now: Date.now() })).toEqual(chain);
      const foreign = decodePublic(await other.read(`${name}.pub`));
      expect(() => verifyEkChain({ certificate, ek: foreign, authorities, now: Date.now() })).toThrow(/another key/);
    }
  });

  it('answer a challenge made without a TPM, with each kind of endorsement key, and only their own', async () => {
    await tpm.run('tpm2_createek', '-G', 'ecc', '-c', '0x81010020', '-u', 'ek-p256.pub', '-f', 'tss');
    await tpm.flush();
    for (const [name, handle, size] of [
      ['ek-rsa', '0x81010001', 32],
      ['ek-p384', '0x81010016', 48],
      ['ek-p256', '0x81010020', 32],
    ] as const) {
      // prettier-ignore
      const ek = decodePublic(await tpm.read(`${name}.pub`));
      const value = randomBytes(size);
      const answer = await activate(tpm, handle, credentialFile(makeCredential(ek, objectName(await ak()), value)));
      expect(answer.opened, `${name}: ${answer.stderr}`).toEqual(value);
      if (name !== 'ek-p256') {
        const elsewhere = await activate(
          other,
          handle,
          credentialFile(makeCredential(ek, objectName(await ak()), value)),
        );
        expect(elsewhere.opened, name).toBeUndefined();
      }
      // Made for another attestation key: this TPM has the endorsement key and still refuses.
      const wrong = await activate(tpm, handle, credentialFile(makeCredential(ek, objectName(await srk()), value)));
      expect(wrong.stderr, name).toMatch(/0x[12]DF/i);
    }
  });

  it('give policies the digests that the TPM computes', async () => {
    await tpm.run('tpm2_nvdefine', '0x1800100', '-C', 'o', '-a', 'nt=counter|ownerwrite|ownerread|authread|policyread|no_da'); // prettier-ignore
    await tpm.run('tpm2_nvincrement', '0x1800100', '-C', 'o');
    const shown = (await tpm.run('tpm2_nvreadpublic', '0x1800100')).toString();
    const nvName = nvIndexName(generationCounter(0x0180_0100));
    expect(/name: ([0-9a-f]+)/.exec(shown)?.[1]).toBe(nvName.toString('hex'));

    const trial = async (...steps: string[][]): Promise<Buffer> => {
      await tpm.run('tpm2_startauthsession', '-S', 't');
      for (const [program = '', ...args] of steps) await tpm.run(program, '-S', 't', ...args, '-L', 'digest');
      await tpm.run('tpm2_flushcontext', 't');
      return await tpm.read('digest');
    };
    const generation = Number.MAX_SAFE_INTEGER;
    await tpm.write('gen', bigEndian(BigInt(generation)));
    const pcrs = new Map([[7, await tpm.read('pcr7')]]);
    const counter = { nvName, generation: BigInt(generation) };
    const clockBelow = 86_400_000_000n;
    const steps = {
      pcr: ['tpm2_policypcr', '-l', 'sha256:7'],
      nv: ['tpm2_policynv', '-C', 'o', '-i', 'gen', '0x1800100', 'ule'],
      clock: ['tpm2_policycountertimer', '--ult', `clock=${clockBelow}`],
    };
    expect(policyDigest({ pcrs })).toEqual(await trial(steps.pcr));
    expect(policyDigest({ counter })).toEqual(await trial(steps.nv));
    expect(policyDigest({ clockBelow })).toEqual(await trial(steps.clock));
    expect(policyDigest({ pcrs, counter, clockBelow })).toEqual(await trial(steps.pcr, steps.nv, steps.clock));

    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    await tpm.write('policy.pem', key.export({ type: 'spki', format: 'pem' }));
    await tpm.run('tpm2_loadexternal', '-C', 'o', '-G', 'ecc', '-u', 'policy.pem', '-c', 'k', '-n', 'kn');
    expect(objectName(externalKey(key))).toEqual(await tpm.read('kn'));
    await tpm.write('ref', 'edgectl/v1/node=a');
    await tpm.write('ap', policyDigest({ pcrs }));
    // A trial session takes PolicyAuthorize without a ticket.
    const authorized = await trial(['tpm2_policyauthorize', '-i', 'ap', '-q', 'ref', '-n', 'kn']);
    expect(policyAuthorize(objectName(externalKey(key)), Buffer.from('edgectl/v1/node=a'))).toEqual(authorized);
  });
});

async function activate(
  tpm: SoftwareTpm,
  ek: string,
  credential: Buffer,
): Promise<{ opened: Buffer | undefined; stderr: string }> {
  await tpm.write('cred', credential);
  await tpm.run('tpm2_startauthsession', '--policy-session', '-S', 'session');
  await tpm.run('tpm2_policysecret', '-S', 'session', '-c', 'e');
  // The low templates open by policy, the high ones (P-384) by the key's empty password too.
  const auth = ek === '0x81010016' ? [] : ['-P', 'session:session'];
  const files = ['-i', 'cred', '-o', 'opened'];
  const result = await tpm.try('tpm2_activatecredential', '-c', '0x81010003', '-C', ek, ...files, ...auth);
  const opened = result.status === 0 ? await tpm.read('opened') : undefined;
  await tpm.flush();
  return { opened, stderr: result.stderr };
}

function bigEndian(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
