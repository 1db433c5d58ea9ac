import { spawn } from 'node:child_process';
import { createHash, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { KitLine } from '../../../src/node/types.js';
import { encodeRequest, parseAnswer } from '../../../src/node/wire.js';
import { verifyEvidenceLines } from '../../../src/operations/secrets/attest.js';
import { approvePolicy, policyReference, policySigner } from '../../../src/seal/tpm/approved-policy.js';
import { credentialFile, makeCredential } from '../../../src/seal/tpm/make-credential.js';
import { objectName } from '../../../src/seal/tpm/name.js';
import { policyDigest } from '../../../src/seal/tpm/policy.js';
import { decodePublic } from '../../../src/seal/tpm/public-area.js';
import { requires } from '../../helpers/requires.js';
import type { SecretFleet } from '../../helpers/secret-fleet.js';
import { measured, secretFleet } from '../../helpers/secret-fleet.js';
import type { SoftwareTpm } from '../../helpers/swtpm.js';

const needs = requires('swtpm', 'age', 'ssh-keygen');
// PCRs begin with zeros, and what is measured is hashed onto that.
const pcr7 = createHash('sha256')
  .update(Buffer.alloc(32))
  .update(Buffer.from(measured.slice(-64), 'hex'))
  .digest();

describe.skipIf(needs.skip)('somebody attacks, or something breaks', { timeout: 1_200_000 }, () => {
  let fleet: SecretFleet;
  let node: string;
  let neighbour: string;
  let tpm: SoftwareTpm;
  let generation = 0;

  beforeAll(async () => {
    fleet = await secretFleet(2);
    [node = '', neighbour = ''] = fleet.nodes;
    [tpm] = fleet.tpms as [SoftwareTpm];
    const { exitCode, envelope } = await fleet.json('node', 'enroll', node);
    if (exitCode !== 0) throw new Error(JSON.stringify(envelope));
    await deliver('value 1');
  }, 1_200_000);
  afterAll(async () => {
    await fleet?.close();
  });

  const file = (...below: string[]): string => fleet.nodeFile(node, ...below);
  const opened = async (): Promise<string> => readFile(file('run/edgectl/secrets/db'), 'utf8');
  const push = async (...argv: string[]) => {
    const { envelope, exitCode } = await fleet.json('secret', 'push', node, ...argv);
    return { exitCode, end: envelope.result?.nodes?.[0], error: envelope.error };
  };
  const set = async (value: string, name = 'db'): Promise<void> => {
    const answer = await fleet.feedJson(Buffer.from(value), 'secret', 'set', name, '--for', node);
    if (name === 'db') generation = answer.result.generation;
  };
  const deliver = async (value: string): Promise<void> => {
    await set(value);
    expect(await push()).toMatchObject({ exitCode: 0, end: { secrets: { db: { generation, opens: true } } } });
    expect(await opened()).toBe(value);
  };
  /** Asks a kit as somebody with the login would. */
  const ask = async (of: string, verb: string, fields: Record<string, string>) => {
    const child = spawn(fleet.nodeFile(of, 'usr/local/sbin/edgectl-node'), [verb], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const out: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stdin.end(encodeRequest(fields));
    await new Promise((resolve) => child.once('close', resolve));
    const answer = parseAnswer(Buffer.concat(out));
    if (!answer.valid) throw new Error(answer.why);
    return answer.ok ? { code: '', reason: '', lines: answer.lines } : answer;
  };
  const leased = async (of: string, verb: string, fields: Record<string, string>) => {
    const run = 'mallory';
    const lease = await ask(of, 'lease', { op: 'take', run, owner: 'm', host: 'm', ttl: '60' });
    const token = String(lease.lines[0]?.['token']);
    const answer = await ask(of, verb, { ...fields, token });
    await ask(of, 'lease', { op: 'release', run, token });
    return answer;
  };
  const evidence = async (of: string, challenge: string): Promise<KitLine[]> => {
    const answer = await leased(of, 'tpm', { op: 'evidence', challenge, pcrs: '7' });
    expect(answer.reason).toBe('');
    return answer.lines;
  };

  it('whatever else was booted: closed, reported, and mended by one approval without sending the secret again', async () => {
    await tpm.run('tpm2_pcrextend', `7:sha256=${'ab'.repeat(32)}`);
    const closed = await fleet.kit(node, 'secrets-open');
    expect(closed).toMatchObject({ status: 1 });
    expect(closed.stderr).toContain('booted something else');
    // What runs already keeps what it has.
    expect(await opened()).toBe('value 1');
    const attest = await fleet.json('node', 'attest', node);
    expect(attest).toMatchObject({ exitCode: 2, envelope: { result: { nodes: [{ changed: [7], verdict: 'ok' }] } } });
    expect((await fleet.json('secret', 'verify', node)).exitCode).toBe(1);
    const approved = await fleet.json('node', 'attest', node, '--approve', '--yes');
    expect(approved).toMatchObject({ exitCode: 0, envelope: { result: { nodes: [{ approved: true }] } } });
    expect((await fleet.kit(node, 'secrets-open')).status).toBe(0);
    await tpm.powerOff();
    await tpm.powerOn();
    await tpm.run('tpm2_pcrextend', measured);
    expect((await fleet.kit(node, 'secrets-open')).status).toBe(0);
  });

  it('policies by another key, or of another node, are not taken in', async () => {
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const digest = policyDigest({ pcrs: new Map([[7, pcr7]]) });
    const forge = async (reference: Buffer, signer: Parameters<typeof policySigner>[0]) => {
      const { signature } = await approvePolicy(digest, reference, policySigner(signer));
      const fields = { digest: digest.toString('base64'), policy_signature: signature.toString('base64'), pcrs: '7' };
      return (await leased(node, 'secret', { op: 'policy', ...fields })).code;
    };
    expect(await forge(policyReference({ node }), stranger.privateKey)).toBe('BAD_SIGNATURE');
    const keys = path.join(fleet.home, 'config/edgectl/keys');
    const [id = ''] = await readdir(keys);
    const genuine = createPrivateKey(await readFile(path.join(keys, id, 'policy.pem')));
    expect(await forge(policyReference({ node: neighbour }), genuine)).toBe('BAD_SIGNATURE');
    expect(await forge(policyReference({ node }), genuine)).toBe('');
  });

  it('keys for secrets that no trusted signer vouches for are refused', async () => {
    const statement = await readFile(path.join(fleet.dir, 'trust/secrets/statement'), 'utf8');
    const signature = await readFile(path.join(fleet.dir, 'trust/secrets/statement.sig'), 'utf8');
    const changed = statement.replace(/series=\d+/, 'series=9999999999');
    expect((await leased(node, 'secret', { op: 'trust', statement: changed, signature })).code).toBe('BAD_SIGNATURE');
    expect((await leased(node, 'secret', { op: 'trust', statement, signature })).code).toBe('');
  });

  it('a manifest, a bundle or a sealed key that was changed on the way is refused, and what was there stays', async () => {
    await set('value 2');
    const dir = path.join(fleet.dir, 'secrets/db', String(generation));
    const sealedFile = path.join(dir, 'nodes', `${node}.json`);
    const sealed = await readFile(sealedFile, 'utf8');
    const bundle = await readFile(path.join(dir, 'bundle.age'));
    const attempt = async (text: string, bytes = bundle): Promise<unknown> => {
      await writeFile(sealedFile, text);
      await writeFile(path.join(dir, 'bundle.age'), bytes);
      const { end } = await push();
      expect(await opened()).toBe('value 1');
      return end.code;
    };
    expect(await attempt(sealed.replace('mode=0400', 'mode=0440'))).toBe('BAD_SIGNATURE');
    const flipped = Buffer.from(bundle);
    flipped.writeUInt8(flipped.readUInt8(flipped.length - 3) ^ 1, flipped.length - 3);
    expect(await attempt(sealed, flipped)).toBe('DIGEST_MISMATCH');
    const other = JSON.parse(sealed);
    other.key.dup = Buffer.from(other.key.dup, 'base64').reverse().toString('base64');
    expect(await attempt(JSON.stringify(other))).toBe('DIGEST_MISMATCH');
    await writeFile(sealedFile, sealed);
    await writeFile(path.join(dir, 'bundle.age'), bundle);
    expect((await push()).exitCode).toBe(0);
    expect(await opened()).toBe('value 2');
  });

  it('a manifest of another node, or an older one, is refused', async () => {
    const sealed = JSON.parse(
      await readFile(path.join(fleet.dir, 'secrets/db', String(generation), 'nodes', `${node}.json`), 'utf8'),
    );
    const { manifest, signature } = sealed;
    expect((await leased(neighbour, 'secret', { op: 'stage', manifest, signature })).code).toBe('NOT_ENROLLED');
    await deliver('value 3');
    expect((await leased(node, 'secret', { op: 'stage', manifest, signature })).code).toBe('OLD_GENERATION');
  });

  it('a record that somebody changed in the repository gets nothing sealed for it', async () => {
    const record = path.join(fleet.dir, 'enrolled', `${node}.json`);
    const text = await readFile(record, 'utf8');
    const srk = decodePublic(Buffer.from(JSON.parse(text).record.tpm.srk, 'base64'));
    expect(srk.type).toBe('ecc');
    await writeFile(record, text.replace('"class": "tpm"', '"class": "tpm-pinned"'));
    const answer = await fleet.feedJson(Buffer.from('x'), 'secret', 'rotate', 'db');
    expect(answer.error).toMatchObject({ code: 'MANIFEST_SIGNATURE', exitCode: 4 });
    await writeFile(record, text);
  });

  it('evidence is believed once, of this node, and of nobody else', async () => {
    const challenge = '5a'.repeat(32);
    const lines = await evidence(node, challenge);
    const id = JSON.parse(await readFile(path.join(fleet.dir, 'enrolled', `${node}.json`), 'utf8')).record
      .fleet as string;
    const known = await readFile(path.join(fleet.dir, 'known_hosts'), 'utf8');
    const keyOf = (of: string): string => new RegExp(`^${of} (.*)$`, 'm').exec(known)?.[1] ?? '';
    const asked = { fleet: id, node, challenge, pcrs: [7], pinned: [keyOf(node)] };
    expect(verifyEvidenceLines(lines, asked).pcrs.get(7)).toEqual(pcr7);
    expect(() => verifyEvidenceLines(lines, { ...asked, challenge: '5b'.repeat(32) })).toThrow(/nonce differs/);
    expect(() => verifyEvidenceLines(lines, { ...asked, node: neighbour })).toThrow(/nonce differs/);
    expect(() => verifyEvidenceLines(lines, { ...asked, pinned: [keyOf(neighbour)] })).toThrow(/another node/);
    // Somebody in between who shows the key that is pinned for them, and passes on what another node's TPM signed.
    const passedOn = lines.map((line) => (line.t === 'hostkey' ? { ...line, key: keyOf(neighbour) } : line));
    expect(() => verifyEvidenceLines(passedOn, { ...asked, pinned: [keyOf(neighbour)] })).toThrow(/nonce differs/);
    const lied = lines.map((line) =>
      line['name'] === 'pcrs' ? { ...line, data: Buffer.alloc(32, 0x22).toString('base64') } : line,
    );
    expect(() => verifyEvidenceLines(lied, asked)).toThrow(/not those that the TPM signed/);
  });

  it('a challenge for another TPM is not answered', async () => {
    const theirs = await evidence(neighbour, '00'.repeat(32));
    const ours = await evidence(node, '00'.repeat(32));
    const area = (lines: KitLine[], name: string) =>
      decodePublic(Buffer.from(String(lines.find((line) => line['name'] === name)?.['data']), 'base64'));
    const credential = (ek: KitLine[], ak: KitLine[]): string =>
      credentialFile(
        makeCredential(area(ek, 'ek.public'), objectName(area(ak, 'ak.public')), Buffer.alloc(32, 1)),
      ).toString('base64');
    expect((await leased(node, 'tpm', { op: 'activate', credential: credential(theirs, ours) })).code).toBe(
      'TPM_REFUSED',
    );
    expect((await leased(node, 'tpm', { op: 'activate', credential: credential(ours, theirs) })).code).toBe(
      'TPM_REFUSED',
    );
    expect((await leased(node, 'tpm', { op: 'activate', credential: credential(ours, ours) })).code).toBe('');
  });

  it('the same TPM is not enrolled for two nodes', async () => {
    await fleet.give(neighbour, tpm);
    const { envelope, exitCode } = await fleet.json('node', 'enroll', neighbour);
    expect(exitCode).toBe(4);
    expect(envelope.result.nodes[0].message).toContain(`enrolled as that of ${node}`);
  });

  it('a class is not lowered without a reason, which is signed into the record', async () => {
    await rm(path.join(fleet.dir, 'trust/tpm-ca/software-tpm.pem'));
    const without = await fleet.json('node', 'enroll', node);
    expect(without.envelope.result.nodes[0]).toMatchObject({ code: 'TPM_CERTIFICATE' });
    const lower = await fleet.json('node', 'enroll', node, '--approve');
    expect(lower).toMatchObject({ exitCode: 4, envelope: { result: { nodes: [{ code: 'NODE_CLASS' }] } } });
    const said = await fleet.json('node', 'enroll', node, '--approve', '--lower-class', 'the maker was unpinned');
    expect(said).toMatchObject({ exitCode: 0, envelope: { result: { nodes: [{ class: 'tpm-tofu' }] } } });
    await fleet.maker.pinIn(path.join(fleet.dir, 'trust/tpm-ca'));
    const [{ ekHash }] = (await fleet.json('node', 'enroll', node)).envelope.result.nodes as [{ ekHash: string }];
    const record = JSON.parse(await readFile(path.join(fleet.dir, 'enrolled', `${node}.json`), 'utf8')).record;
    expect(record).toMatchObject({ class: 'tpm', lowered: [{ from: 'tpm', reason: 'the maker was unpinned' }] });
    const list = path.join(fleet.home, 'pins');
    await writeFile(list, `# from the delivery note\n${node} ${'0'.repeat(64)}\n`);
    expect((await fleet.json('node', 'enroll', node, '--pin-ek', list)).envelope.result.nodes[0].message).toContain(
      'another TPM than expected',
    );
    await writeFile(list, `${node} ${ekHash}\n`);
    const pinned = await fleet.json('node', 'enroll', node, '--pin-ek', list);
    expect(pinned.envelope.result.nodes[0]).toMatchObject({ class: 'tpm-pinned' });
  });

  it.each([41, 42, 43, 44])(
    'a node that dies at failpoint %i of a rotation has a generation that opens, and the next push ends it',
    async (point) => {
      const before = await opened();
      await set(`value at ${point}`);
      await mkdir(file('etc/edgectl/lab'), { recursive: true });
      await writeFile(file('etc/edgectl/lab/failpoint'), `${point} kill\n`);
      expect((await push()).exitCode).not.toBe(0);
      expect(await readFile(file('run/edgectl/failpoint-hit'), 'utf8')).toContain(String(point));
      expect((await fleet.kit(node, 'secrets-open')).status).toBe(0);
      expect([before, `value at ${point}`]).toContain(await opened());
      // The dead request's lease is taken over by its end; the test gives it back instead of waiting.
      await rm(file('run/edgectl/lease'), { force: true });
      expect(await push()).toMatchObject({ exitCode: 0, end: { secrets: { db: { generation, opens: true } } } });
      expect(await opened()).toBe(`value at ${point}`);
    },
  );

  it('what the node wrote down is a chain; one that was cut or rewritten since is noticed', async () => {
    const seen = await fleet.json('secret', 'audit', node);
    expect(seen.exitCode, JSON.stringify(seen.envelope)).toBe(0);
    const entries = seen.envelope.result.nodes[0].entries as { what: string; name: string }[];
    expect(new Set(entries.map(({ what }) => what))).toEqual(new Set(['trust', 'policy', 'staged', 'committed']));
    const log = file('var/lib/edgectl/secrets/audit');
    const text = await readFile(log, 'utf8');
    expect(text).not.toContain(await opened());
    await writeFile(log, text.replace('"what":"staged"', '"what":"erased"'));
    expect((await fleet.json('secret', 'audit', node)).envelope.result.nodes[0].message).toContain('does not follow');
    await writeFile(log, text.split('\n').slice(0, -3).join('\n') + '\n');
    expect((await fleet.json('secret', 'audit', node)).exitCode).toBe(1);
    await writeFile(log, text);
    expect((await fleet.json('secret', 'audit', node)).exitCode).toBe(0);
  });

  it('two operators at once: one wins, the other is told', async () => {
    const taken = await ask(node, 'lease', { op: 'take', run: 'another', owner: 'someone', host: 'else', ttl: '600' });
    const held = await push();
    expect(held.end).toMatchObject({ verdict: 'failed', message: expect.stringContaining('someone') });
    await ask(node, 'lease', { op: 'release', run: 'another', token: String(taken.lines[0]?.['token']) });
    // Both made the same generation, each in a clone of the repository.
    const clone = path.join(fleet.home, 'clone');
    await cp(fleet.dir, clone, { recursive: true });
    await deliver('by the first');
    const theirs = await fleet.feedJson(Buffer.from('by the second'), 'secret', 'rotate', 'db', '--fleet', clone);
    expect(theirs.result.generation).toBe(generation);
    const late = await fleet.json('secret', 'push', node, '--fleet', clone);
    expect(late.envelope.result.nodes[0]).toMatchObject({
      code: 'OLD_GENERATION',
      message: expect.stringContaining('two operators'),
    });
    expect(await opened()).toBe('by the first');
  });

  it('a counter that local root counted up closes what was sealed below it; enrolling again and rotating mends it', async () => {
    for (let times = 0; times < 3; times += 1) await tpm.run('tpm2_nvincrement', '0x1800100', '-C', 'o');
    expect((await fleet.kit(node, 'secrets-open')).stderr).toContain('revoked');
    await set('after the counter');
    expect((await push()).end).toMatchObject({ code: 'FLOOR' });
    expect((await fleet.json('node', 'enroll', node, '--pin-ek', path.join(fleet.home, 'pins'))).exitCode).toBe(0);
    await deliver('after the counter');
  });

  it('a counter that was deleted and made again revives nothing', async () => {
    const before = await tpm.run('tpm2_nvread', '0x1800100', '-C', 'o');
    await cp(file('var/lib/edgectl/secrets'), file('var/lib/edgectl/backup'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    await deliver('newer');
    await tpm.run('tpm2_nvundefine', '0x1800100', '-C', 'o');
    await rm(file('var/lib/edgectl/secrets'), { recursive: true });
    await cp(file('var/lib/edgectl/backup'), file('var/lib/edgectl/secrets'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    expect((await fleet.kit(node, 'secrets-open')).stderr).toContain('revoked');
    const after = await tpm.run('tpm2_nvread', '0x1800100', '-C', 'o');
    expect(after.readBigUInt64BE()).toBeGreaterThan(before.readBigUInt64BE());
    expect((await fleet.json('node', 'enroll', node, '--pin-ek', path.join(fleet.home, 'pins'))).exitCode).toBe(0);
    await deliver('after the new counter');
  });

  it('a TPM in lockout still opens: no wrong guess counts against these keys', async () => {
    await tpm.run('tpm2_create', '-C', '0x81000001', '-G', 'ecc', '-p', 'right', '-u', 'da.pub', '-r', 'da.priv');
    await tpm.flush();
    await tpm.run('tpm2_load', '-C', '0x81000001', '-u', 'da.pub', '-r', 'da.priv', '-c', 'da.ctx');
    await tpm.run('tpm2_dictionarylockout', '-s', '-n', '2', '-t', '3600', '-l', '3600');
    await writeFile(tpm.file('data'), 'x');
    for (let times = 0; times < 4; times += 1)
      await tpm.try('tpm2_sign', '-c', 'da.ctx', '-p', 'wrong', '-g', 'sha256', '-o', 'sig', 'data');
    expect((await tpm.run('tpm2_getcap', 'properties-variable')).toString()).toMatch(/inLockout: *1/);
    await tpm.flush();
    expect((await fleet.kit(node, 'secrets-open')).status).toBe(0);
    await deliver('in lockout');
    await tpm.run('tpm2_dictionarylockout', '-c');
  });

  it('a TPM that is gone, or a configuration that others can write, is named', async () => {
    await tpm.powerOff();
    const gone = await push();
    expect(gone.end).toMatchObject({ verdict: 'failed', code: 'NO_TPM' });
    await tpm.powerOn();
    await tpm.run('tpm2_pcrextend', measured);
    await chmod(file('etc/edgectl/tpm.conf'), 0o666);
    expect((await push()).end).toMatchObject({ code: 'TPM_CONFIG' });
    await chmod(file('etc/edgectl/tpm.conf'), 0o644);
    expect((await push()).exitCode).toBe(0);
  });

  it('a TPM that was cleared is noticed, and enrolled anew', async () => {
    await tpm.run('tpm2_clear', '-c', 'p');
    const attest = await fleet.json('node', 'attest', node);
    expect(attest.envelope.result.nodes[0].message).toContain('the TPM was cleared');
    expect((await fleet.json('node', 'enroll', node, '--pin-ek', path.join(fleet.home, 'pins'))).exitCode).toBe(0);
    await deliver('after clearing');
  });

  it('a node without a TPM is enrolled only when that is said, and gets only what may go there', async () => {
    await rm(fleet.nodeFile(neighbour, 'etc/edgectl/tpm.conf'));
    expect((await fleet.json('node', 'enroll', neighbour)).envelope.result.nodes[0]).toMatchObject({ code: 'NO_TPM' });
    const enrolled = await fleet.json('node', 'enroll', neighbour, '--software');
    expect(enrolled.envelope.result.nodes[0]).toMatchObject({ class: 'software', verdict: 'ok' });
    const refused = await fleet.feedJson(Buffer.from('x'), 'secret', 'set', 'soft', '--for', neighbour);
    expect(refused.error?.code).toBe('NODE_CLASS');
    const value = Buffer.from('soft\0value\n');
    await fleet.feedJson(value, 'secret', 'set', 'soft', '--for', neighbour, '--require', 'software');
    expect((await fleet.json('secret', 'push', neighbour)).exitCode).toBe(0);
    expect(await readFile(fleet.nodeFile(neighbour, 'run/edgectl/secrets/soft'))).toEqual(value);
  });
});
