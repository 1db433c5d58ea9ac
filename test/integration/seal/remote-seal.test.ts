import type { KeyObject } from 'node:crypto';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { ageDecrypt, ageEncrypt, generateAgeIdentity, parseAgeRecipient } from '../../../src/seal/age.js';
import { Sensitive } from '../../../src/seal/sensitive.js';
import {
  approvePolicy,
  authorizedPolicy,
  policyReference,
  policySigner,
} from '../../../src/seal/tpm/approved-policy.js';
import { generationCounter, nvIndexName } from '../../../src/seal/tpm/nv-index.js';
import type { SealConditions } from '../../../src/seal/tpm/policy.js';
import { policyDigest } from '../../../src/seal/tpm/policy.js';
import { decodePublic } from '../../../src/seal/tpm/public-area.js';
import type { ImportBlob } from '../../../src/seal/tpm/remote-seal.js';
import { sealForImport } from '../../../src/seal/tpm/remote-seal.js';
import { requires } from '../../helpers/requires.js';
import type { SoftwareTpm } from '../../helpers/swtpm.js';
import { TpmMaker } from '../../helpers/swtpm.js';

const needs = requires('swtpm', 'age');
const attributes = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt';
const parents = { ecc: '0x81000001', rsa: '0x81000002' } as const;
const nvIndex = 0x0180_0100;
const reference = policyReference({ node: 'pos-001' });
const pcr7 = randomBytes(32).toString('hex');

describe.skipIf(needs.skip)('data sealed from afar', () => {
  const policyKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let maker: TpmMaker;
  let tpm: SoftwareTpm;
  let other: SoftwareTpm;
  let measured: ReadonlyMap<number, Buffer>;

  beforeAll(async () => {
    maker = await TpmMaker.create();
    tpm = await maker.make('a');
    other = await maker.make('b');
    for (const each of [tpm, other]) {
      for (const [kind, handle] of Object.entries(parents)) {
        const algorithm = kind === 'ecc' ? 'ecc256:aes128cfb' : 'rsa2048:aes128cfb';
        await each.run('tpm2_createprimary', '-C', 'o', '-g', 'sha256', '-G', algorithm, '-a', attributes, '-c', 'x.ctx'); // prettier-ignore
        await each.run('tpm2_evictcontrol', '-C', 'o', '-c', 'x.ctx', handle);
        await each.flush();
        await each.run('tpm2_readpublic', '-c', handle, '-o', `${kind}.pub`);
      }
      await each.write('policy.pem', policyKey.publicKey.export({ type: 'spki', format: 'pem' }));
      await each.write('ref', reference);
      await each.run('tpm2_nvdefine', `0x${nvIndex.toString(16)}`, '-C', 'o', '-a', 'nt=counter|ownerwrite|ownerread|authread|policyread|no_da'); // prettier-ignore
      await each.run('tpm2_nvincrement', `0x${nvIndex.toString(16)}`, '-C', 'o');
      await boot(each);
    }
    await tpm.run('tpm2_pcrread', 'sha256:7', '-o', 'pcr7');
    measured = new Map([[7, await tpm.read('pcr7')]]);
  });

  afterEach(async () => {
    await tpm.flush();
    await other.flush();
  });

  afterAll(async () => {
    await maker?.remove();
  });

  /** A boot of the operating system that was approved. */
  const boot = async (which: SoftwareTpm): Promise<void> => {
    await which.run('tpm2_pcrextend', `7:sha256=${pcr7}`);
  };

  const seal = async (data: Buffer, kind: keyof typeof parents = 'ecc'): Promise<ImportBlob> =>
    sealForImport(decodePublic(await tpm.read(`${kind}.pub`)), authorizedPolicy(policyKey.publicKey, reference), new Sensitive(data)); // prettier-ignore

  const importBlob = async (where: SoftwareTpm, blob: ImportBlob, kind: keyof typeof parents = 'ecc') => {
    await where.write('dek.pub', blob.publicArea);
    await where.write('dek.dup', blob.duplicate);
    await where.write('dek.seed', blob.seed);
    return where.try('tpm2_import', '-C', parents[kind], '-u', 'dek.pub', '-i', 'dek.dup', '-s', 'dek.seed', '-r', 'dek.priv'); // prettier-ignore
  };

  const approve = async (conditions: SealConditions, key: KeyObject = policyKey.privateKey, scope = reference) =>
    approvePolicy(policyDigest(conditions), scope, policySigner(key));

  /** What a node does to open the object: the approved policy, its conditions, and then PolicyAuthorize. */
  const unseal = async (
    where: SoftwareTpm,
    approved: { digest: Buffer; signature: Buffer },
    conditions: SealConditions,
    kind: keyof typeof parents = 'ecc',
  ) => {
    await where.flush();
    await where.write('ap', approved.digest);
    await where.write('ap.sig', approved.signature);
    await where.write('msg', Buffer.concat([approved.digest, await where.read('ref')]));
    const steps: string[][] = [
      ['tpm2_loadexternal', '-C', 'o', '-G', 'ecc', '-u', 'policy.pem', '-c', 'k', '-n', 'kn'],
      ['tpm2_verifysignature', '-c', 'k', '-g', 'sha256', '-m', 'msg', '-s', 'ap.sig', '-t', 'tk'],
      ['tpm2_flushcontext', '-t'],
      ['tpm2_load', '-C', parents[kind], '-u', 'dek.pub', '-r', 'dek.priv', '-c', 'sealed.ctx'],
      ['tpm2_startauthsession', '--policy-session', '--key-context', parents[kind], '-S', 'p'],
      ['tpm2_sessionconfig', '--enable-encrypt', 'p'],
    ];
    if (conditions.pcrs !== undefined) steps.push(['tpm2_policypcr', '-S', 'p', '-l', 'sha256:7']);
    if (conditions.counter !== undefined) {
      const generation = Buffer.alloc(8);
      generation.writeBigUInt64BE(conditions.counter.generation);
      await where.write('gen', generation);
      steps.push(['tpm2_policynv', '-S', 'p', '-C', 'o', '-i', 'gen', `0x${nvIndex.toString(16)}`, 'ule']);
    }
    if (conditions.clockBelow !== undefined)
      steps.push(['tpm2_policycountertimer', '-S', 'p', '--ult', `clock=${conditions.clockBelow}`]);
    steps.push(['tpm2_policyauthorize', '-S', 'p', '-i', 'ap', '-q', 'ref', '-n', 'kn', '-t', 'tk']);
    steps.push(['tpm2_unseal', '-c', 'sealed.ctx', '-p', 'session:p']);
    let last: { opened?: Buffer; failed?: string; code?: string } = {};
    for (const [program = '', ...args] of steps) {
      const result = await where.try(program, ...args);
      const code = /0x[0-9a-f]{2,8}/gi.exec(result.stderr)?.[0] ?? '';
      if (result.status !== 0) return { failed: program, code: code.toLowerCase().replace(/^0x0+/, '0x') };
      last = { opened: result.stdoutBytes };
    }
    return last;
  };

  it.each(['ecc', 'rsa'] as const)(
    'open on their TPM below a storage key of kind %s, also after a reboot',
    async (kind) => {
      for (const size of [1, 74, 128]) {
        const data = randomBytes(size);
        const imported = await importBlob(tpm, await seal(data, kind), kind);
        expect(imported.stderr).toBe('');
        const conditions = { pcrs: measured };
        expect(await unseal(tpm, await approve(conditions), conditions, kind)).toEqual({ opened: data });
      }
      await tpm.powerOff();
      await tpm.powerOn();
      await boot(tpm);
      const conditions = { pcrs: measured };
      expect(await unseal(tpm, await approve(conditions), conditions, kind)).toHaveProperty('opened');
    },
  );

  it('carry an age identity that the stock age opens the bundle with', async () => {
    const { identity, recipient } = await generateAgeIdentity();
    const secret = Buffer.from('pass\0word\n\xff', 'latin1');
    await tpm.write('bundle.age', await ageEncrypt([recipient], new Sensitive(secret)));
    await importBlob(tpm, await seal(Buffer.from(identity.reveal())));
    const conditions = { pcrs: measured };
    const { opened } = await unseal(tpm, await approve(conditions), conditions);
    await tpm.write('identity', opened ?? Buffer.alloc(0));
    expect(await tpm.run('age', '-d', '-i', 'identity', 'bundle.age')).toEqual(secret);
  });

  it('stay closed on another TPM, to which all files were copied', async () => {
    const imported = await importBlob(other, await seal(Buffer.from('x')));
    expect(imported.status).not.toBe(0);
    expect(imported.stderr).toMatch(/0x3df/i);
  });

  it('are refused when the policy, the data or the seed was changed on the way', async () => {
    const blob = await seal(Buffer.from('x'));
    const flip = (bytes: Buffer, at: number): Buffer => {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      return changed;
    };
    // Byte 12 lies in the policy, byte 40 of the duplicate in the ciphertext, byte 20 of the seed in the point.
    const changes: [string, ImportBlob][] = [
      ['policy', { ...blob, publicArea: flip(blob.publicArea, 12) }],
      ['data', { ...blob, duplicate: flip(blob.duplicate, 40) }],
      ['integrity', { ...blob, duplicate: flip(blob.duplicate, 5) }],
      ['seed', { ...blob, seed: flip(blob.seed, 20) }],
      ['cut', { ...blob, duplicate: blob.duplicate.subarray(0, -1) }],
    ];
    for (const [what, changed] of changes) expect((await importBlob(tpm, changed)).status, what).not.toBe(0);
    expect((await importBlob(tpm, blob)).status).toBe(0);
  });

  it('stay closed once something else was measured, and open again by a policy that was signed for it', async () => {
    await importBlob(tpm, await seal(Buffer.from('secret')));
    const conditions = { pcrs: measured };
    const approved = await approve(conditions);
    await tpm.run('tpm2_pcrextend', `7:sha256=${'ab'.repeat(32)}`);
    try {
      expect(await unseal(tpm, approved, conditions)).toEqual({ failed: 'tpm2_policyauthorize', code: '0x1c4' });
      await tpm.flush();
      await tpm.run('tpm2_pcrread', 'sha256:7', '-o', 'pcr7.new');
      const renewed = { pcrs: new Map([[7, await tpm.read('pcr7.new')]]) };
      expect(await unseal(tpm, await approve(renewed), renewed)).toEqual({ opened: Buffer.from('secret') });
    } finally {
      await tpm.powerOff();
      await tpm.powerOn();
      await boot(tpm);
    }
  });

  it('stay closed to a policy by another key, or for another reference', async () => {
    await importBlob(tpm, await seal(Buffer.from('secret')));
    const conditions = { pcrs: measured };
    const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const byAnother = await unseal(tpm, await approve(conditions, foreign.privateKey), conditions);
    expect(byAnother).toEqual({ failed: 'tpm2_verifysignature', code: '0x2db' });
    await tpm.flush();
    const elsewhere = policyReference({ group: 'kiosk' });
    await tpm.write('ref', elsewhere);
    const otherScope = await unseal(tpm, await approve(conditions, undefined, elsewhere), conditions);
    expect(otherScope).toEqual({ failed: 'tpm2_unseal', code: '0x99d' });
    await tpm.write('ref', reference);
  });

  it('stay closed past their lease', async () => {
    await importBlob(tpm, await seal(Buffer.from('secret')));
    const over = { pcrs: measured, clockBelow: 1n };
    expect(await unseal(tpm, await approve(over), over)).toEqual({ failed: 'tpm2_policycountertimer', code: '0x126' });
    await tpm.flush();
    const running = { pcrs: measured, clockBelow: 1n << 50n };
    expect(await unseal(tpm, await approve(running), running)).toEqual({ opened: Buffer.from('secret') });
  });

  it('stay closed when their generation is below the floor, which only grows', async () => {
    await importBlob(tpm, await seal(Buffer.from('secret')));
    const bytes = await tpm.run('tpm2_nvread', `0x${nvIndex.toString(16)}`, '-C', 'o');
    const generation = bytes.readBigUInt64BE();
    const conditions = { pcrs: measured, counter: { nvName: nvIndexName(generationCounter(nvIndex)), generation } };
    const approved = await approve(conditions);
    expect(await unseal(tpm, approved, conditions)).toEqual({ opened: Buffer.from('secret') });
    await tpm.flush();
    await tpm.run('tpm2_nvincrement', `0x${nvIndex.toString(16)}`, '-C', 'o');
    expect(await unseal(tpm, approved, conditions)).toEqual({ failed: 'tpm2_policynv', code: '0x126' });
    await tpm.flush();
    // Writing a later generation into the file gives another digest than the signed one.
    const edited = { ...conditions, counter: { ...conditions.counter, generation: generation + 1n } };
    expect(await unseal(tpm, approved, edited)).toEqual({ failed: 'tpm2_policyauthorize', code: '0x1c4' });
  });

  it('cannot be taken out of the TPM again', async () => {
    await importBlob(tpm, await seal(Buffer.from('secret')));
    await tpm.run('tpm2_load', '-C', parents.ecc, '-u', 'dek.pub', '-r', 'dek.priv', '-c', 'sealed.ctx');
    const out = await tpm.try('tpm2_duplicate', '-C', 'null', '-c', 'sealed.ctx', '-G', 'null', '-r', 'out', '-s', 'out.seed', '-p', ''); // prettier-ignore
    expect(out.status).not.toBe(0);
    const bare = await tpm.try('tpm2_unseal', '-c', 'sealed.ctx');
    expect(bare.stderr).toMatch(/0x12f|0x98e|0x92f/i);
  });
});

describe.skipIf(needs.skip)('age', () => {
  it('reads what the stock program wrote, and the other way round', async () => {
    const { run } = await import('../../../src/process/run.js');
    const made = await run(['age-keygen']);
    const text = made.stdout.split('\n').find((line) => line.startsWith('AGE-SECRET-KEY-')) ?? '';
    const recipient = await parseAgeRecipient(/public key: (\S+)/.exec(made.stdout)?.[1] ?? '');
    const secret = randomBytes(70_000);
    const stock = await run(['age', '-r', recipient], { input: secret });
    const opened = await ageDecrypt(new Sensitive(Buffer.from(text)), stock.stdoutBytes);
    expect(opened.reveal().equals(secret)).toBe(true);
  });
});
