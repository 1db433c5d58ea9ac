import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { factsScript } from '../../../src/node/prepare-script.js';
import type { KitShell, SandboxNode } from '../../helpers/kit-sandbox.js';
import { createSandboxNode, encodeValue, must, toyScript } from '../../helpers/kit-sandbox.js';
import { KitSigner } from '../../helpers/kit-signer.js';
import { requires } from '../../helpers/requires.js';
import { until } from '../../helpers/until.js';

const need = requires('ssh-keygen', 'busybox', 'dash');
const shells: KitShell[] = ['dash', 'bash', 'busybox'];
const base = mkdtempSync(join(tmpdir(), 'kit-verbs-'));
const signer = need.skip ? undefined : new KitSigner(join(base, 'keys'));

afterAll(() => {
  rmSync(base, { recursive: true, force: true });
});

describe.skipIf(need.skip).each(shells)('the kit under %s', (shell) => {
  let node: SandboxNode;
  beforeEach(async () => {
    node = await createSandboxNode({ shell, ...(signer ? { signer } : {}), base: mkdtempSync(join(base, 'n-')) });
  });
  afterEach(async () => {
    await node.close();
  });
  const raw = (verb: string, text: string | Buffer): ReturnType<SandboxNode['exec']> =>
    node.exec([node.path('usr/local/sbin/edgectl-node'), verb], Buffer.from(text));

  it('answers every malformed request with PROTOCOL, and nothing else on standard output', async () => {
    const bad = [
      'run=a',
      'run\n.\n',
      'Run=a\n.\n',
      'run=%zz\n.\n',
      'run=%0\n.\n',
      'run=%00\n.\n',
      'run=a"b\n.\n',
      'run=a\nrun=b\n.\n',
      '=x\n.\n',
      '$(id)=x\n.\n',
      'run=`id`\n.\n',
      'run=\x01\n.\n',
    ];
    for (const text of bad)
      expect(await raw('lease', text), JSON.stringify(text)).toMatchObject({ code: 'PROTOCOL', status: 1 });
    const huge = `run=${'a'.repeat(300_000)}\n.\n`;
    expect(await raw('lease', huge)).toMatchObject({ code: 'PROTOCOL' });
    expect(await raw('lease', 'op=take\nrun=../../etc\nowner=o\nhost=h\nttl=60\n.\n')).toMatchObject({
      code: 'PROTOCOL',
    });
    expect(await raw('status', 'run=x\nstep=x/../1/1\n.\n')).toMatchObject({ ok: false });
  });

  it('gives back what it was told, whatever bytes it was', async () => {
    const strange = 'op "quoted" \\ back $(id) `id` ü – 漢字 🙂 \x7f\x1b[31m tab\tend';
    must(await node.call('lease', { op: 'take', run: 'r1', owner: strange, host: "h'h", ttl: 60 }));
    const shown = must(await node.call('lease', { op: 'show' }));
    expect(shown.lines[0]).toMatchObject({ held: true, run: 'r1', owner: strange, host: "h'h" });
    expect(shown.stdout).not.toMatch(/[^\n\x20-\x7e]/);
    const invalid = await raw('lease', `op=take\nrun=r1\nowner=${encodeValue('a')}%FFz%C3\nhost=h\nttl=60\n.\n`);
    expect(invalid.lines[0]).toMatchObject({ owner: 'a\u00ffz\u00c3' });
  });

  it('gives the lease to one run, names the holder to another, and fences old tokens', async () => {
    const first = must(await node.call('lease', { op: 'take', run: 'r1', owner: 'ann', host: 'laptop', ttl: 600 }));
    const held = await node.call('lease', { op: 'take', run: 'r2', owner: 'bob', host: 'ci', ttl: 600 });
    expect(held).toMatchObject({ code: 'HELD', status: 75 });
    expect(held.lines[0]).toMatchObject({ t: 'lease', run: 'r1', owner: 'ann', host: 'laptop' });
    expect(held.reason).toContain('ann at laptop');
    const again = must(await node.call('lease', { op: 'take', run: 'r1', owner: 'ann', host: 'laptop', ttl: 600 }));
    expect(again.lines[0]?.['token']).toBe(Number(first.lines[0]?.['token']) + 1);
    expect(await node.call('lease', { op: 'renew', run: 'r1', token: 1, ttl: 600 })).toMatchObject({
      code: 'FENCED',
      status: 4,
    });
    must(await node.call('lease', { op: 'release', run: 'r1', token: 2 }));
    must(await node.call('lease', { op: 'take', run: 'r2', owner: 'bob', host: 'ci', ttl: 600 }));
    await node.init.powerCut();
    await node.init.boot();
    const after = must(await node.call('lease', { op: 'take', run: 'r3', owner: 'eve', host: 'x', ttl: 1 }));
    expect(after.lines[0]).toMatchObject({ token: 4, run: 'r3' });
  });

  it('goes on with a bundle where the connection was lost', async () => {
    const bundle = node.runtime('2.0');
    const authority = node.update([bundle]);
    const token = await node.lease(authority.run);
    must(await node.slice(token, authority));
    const half = bundle.bytes.length >> 1;
    const cut = await node.call(
      'stage',
      { op: 'put', token, run: authority.run, component: 'toy', offset: 0, size: bundle.bytes.length },
      bundle.bytes.subarray(0, half),
    );
    expect(cut.ok).toBe(false);
    const offer = must(await node.call('stage', { op: 'offer', token, run: authority.run, component: 'toy' }));
    expect(offer.lines[0]).toMatchObject({ have: false, offset: half });
    const back = must(
      await node.call(
        'stage',
        { op: 'put', token, run: authority.run, component: 'toy', offset: half - 10, size: 5 },
        bundle.bytes.subarray(half - 10, half - 5),
      ),
    );
    expect(back.lines[0]).toMatchObject({ offset: half - 5 });
    expect(must(await node.stage(token, authority.run, bundle)).lines[0]).toMatchObject({
      t: 'staged',
      version: '2.0',
      digest: bundle.digest,
    });
    expect(
      must(await node.call('stage', { op: 'offer', token, run: authority.run, component: 'toy' })).lines[0],
    ).toMatchObject({ have: true });
  });

  it('adopts what the distribution brought, once, without disturbing what runs', async () => {
    const pid = node.init.units()['toy.service']?.pid;
    const bundle = node.runtime('2.0');
    const authority = node.update([bundle]);
    const token = await node.ready(authority, [bundle]);
    const generation = await node.generation();
    expect(generation.committed_components['toy']).toMatchObject({ version: '1.0', adopted: true });
    expect(must(await node.call('adopt', { run: authority.run, token })).lines).toEqual([]);
    expect((await node.generation()).committed).toBe(generation.committed);
    expect(node.init.units()['toy.service']?.pid).toBe(pid);
    expect(readFileSync(node.path('usr/local/bin/toy'), 'utf8')).toBe(toyScript('1.0'));
  });

  it('tells facts, with and without a kit', async () => {
    const facts = must(await node.call('facts', { components: 'toy,absent' }));
    const values = Object.fromEntries(
      facts.lines.filter((line) => line.t === 'fact').map((line) => [line['name'], line['value']]),
    );
    expect(values).toMatchObject({
      node: node.id,
      init: 'sandbox',
      verify: 'yes',
      'distro.toy': '1.0 /usr/bin/toy',
      'distro.absent': 'none',
    });
    expect(Number(values['disk.free_kib'])).toBeGreaterThan(0);
    expect(facts.lines.find((line) => line.t === 'generation')).toMatchObject({ committed: 0 });
    const first = must(await node.script(await factsScript({ components: ['toy'], prefix: node.root })));
    expect(first.lines).toContainEqual({ t: 'fact', name: 'distro.toy', value: '1.0 /usr/bin/toy' });
    expect(first.lines).toContainEqual({ t: 'fact', name: 'kit', value: 'installed' });
  });

  it('lifts a denied bundle by a signed slice only, and collects what nothing needs by another', async () => {
    const bad = node.runtime('2.0', { daemon: toyScript('2.0', 'exit 1') });
    const started = await node.start(node.update([bad], { 'health.window': 1 }), [bad]);
    await node.reach(started, 'REVERTED');
    const plain = node.update([bad]);
    const token = await node.lease(plain.run);
    must(await node.slice(token, plain));
    expect(await node.call('undeny', { run: plain.run, token })).toMatchObject({ code: 'BAD_SLICE' });
    const lift = node.signer.authority(node.id, 'run-lift', { kind: 'undeny', 'undeny.toy': bad.digest });
    const liftToken = await node.lease(lift.run);
    must(await node.slice(liftToken, lift));
    expect(must(await node.call('undeny', { run: lift.run, token: liftToken })).lines).toEqual([
      { t: 'undenied', component: 'toy', digest: bad.digest },
    ]);
    expect(must(await node.call('status')).lines.some((line) => line.t === 'denied')).toBe(false);
    expect(await node.call('gc', { run: lift.run, token: liftToken })).toMatchObject({ code: 'BAD_SLICE' });
    const sweep = node.signer.authority(node.id, 'run-sweep', { kind: 'gc' });
    const sweepToken = await node.lease(sweep.run);
    must(await node.slice(sweepToken, sweep));
    const gone = must(await node.call('gc', { run: sweep.run, token: sweepToken }));
    expect(gone.lines).toEqual([expect.objectContaining({ t: 'removed', component: 'toy', digest: bad.digest })]);
    expect(readdirSync(node.path('var/lib/edgectl/store/toy')).length).toBe(1);
    expect(must(await node.call('doctor')).lines.filter((line) => line['ok'] === false)).toEqual([]);
  });

  it('keeps events until they are acknowledged', async () => {
    await node.carryOut(node.runtime('2.0'));
    // The event is written behind the decision, so it may come a moment later than the answer.
    const kinds = async (): Promise<unknown[]> =>
      must(await node.call('spool', { op: 'read', after: 0, limit: 10 })).lines.map((line) => line['kind']);
    await until('both events are there', async () => (await kinds()).length >= 2);
    expect(await kinds()).toEqual(['adopted', 'committed']);
    must(await node.call('spool', { op: 'ack', upto: 1 }));
    const rest = must(await node.call('spool', { op: 'read' }));
    expect(rest.lines.map((line) => line['seq'])).toEqual([2]);
  });

  it('gives the node back by a signed eject: the distribution’s daemon runs and nothing of edgectl is left', async () => {
    await node.carryOut(node.runtime('2.0'));
    const out = node.signer.authority(node.id, 'run-out', { kind: 'eject' });
    const token = await node.lease(out.run);
    must(await node.slice(token, out));
    const ejected = must(await node.call('eject', { run: out.run, token }));
    expect(ejected.lines.length).toBeGreaterThan(3);
    await until('the distribution’s daemon runs', () => node.running(), { good: (version) => version === '1.0' });
    // The sandbox's init keeps its logs, as a machine keeps its own.
    const left = execFileSync('find', [node.root, '-name', '*edgectl*', '-not', '-path', '*/var/log/*']).toString();
    expect(left).toBe('');
    expect(existsSync(node.path('usr/local/bin/toy'))).toBe(false);
    expect(existsSync(node.path('etc/lab-init/units/toy.service.d'))).toBe(false);
  });

  it('is prepared twice with the same result, only looks in a check, and is undone', async () => {
    const again = must(await node.script(await node.prepareText('install')));
    expect(again.lines.filter((line) => line.t === 'prepared')).toEqual([]);
    expect(must(await node.script(await node.prepareText('check'))).lines.every((line) => line.t === 'check')).toBe(
      true,
    );
    const pid = node.init.units()['toy.service']?.pid;
    must(await node.script(await node.prepareText('undo')));
    expect(execFileSync('find', [node.root, '-name', '*edgectl*']).toString()).toBe('');
    expect(node.init.units()['toy.service']?.pid).toBe(pid);
  });
});

const mountNeed = requires('ssh-keygen', 'dash', 'busybox', 'root', 'mkfs');
describe.skipIf(mountNeed.skip)('a full disk', () => {
  it('stops an update by name while it is staged, and does not keep a trial from being taken back', async () => {
    const dir = mkdtempSync(join(base, 'full-'));
    mkdirSync(join(dir, 'root/var/lib/edgectl'), { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'edgectl-test', join(dir, 'root/var/lib/edgectl')]);
    let node: SandboxNode | undefined;
    try {
      node = await createSandboxNode({ base: dir, ...(signer ? { signer } : {}) });
      const bundle = node.runtime('2.1');
      const trial = await node.start(node.update([bundle]), [bundle]);
      await node.reach(trial, 'AWAIT');
      const fill = node.path('var/lib/edgectl/filler');
      try {
        execFileSync('dd', ['if=/dev/zero', `of=${fill}`, 'bs=64k', 'count=3000'], { stdio: 'ignore' });
      } catch {
        // dd ends with "no space left", as it must.
      }
      const put = await node.call(
        'stage',
        { op: 'put', token: trial.token, run: trial.run, component: 'toy', offset: 0, size: 100 },
        Buffer.alloc(100),
      );
      expect(put).toMatchObject({ code: 'NO_SPACE' });
      const back = await node.call('revert', { run: trial.run, step: trial.step, token: trial.token });
      expect(back.lines[0]).toMatchObject({ state: 'REVERTED', why: 'operator' });
      expect(node.running()).toBe('1.0');
      rmSync(fill);
      expect((await node.generation()).committed_components['toy']?.version).toBe('1.0');
    } finally {
      await node?.init.powerCut();
      execFileSync('umount', [join(dir, 'root/var/lib/edgectl')]);
      await node?.close();
    }
  });
});
