import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KitShell, SandboxNode, Started } from '../../helpers/kit-sandbox.js';
import { createSandboxNode, must, toyDriver, toyScript, veto } from '../../helpers/kit-sandbox.js';
import type { KitBundle } from '../../helpers/kit-signer.js';
import { KitSigner, put } from '../../helpers/kit-signer.js';
import { requires } from '../../helpers/requires.js';
import { until } from '../../helpers/until.js';

const need = requires('ssh-keygen', 'busybox', 'dash');
const shells: KitShell[] = ['dash', 'busybox'];
const base = mkdtempSync(join(tmpdir(), 'kit-trials-'));

afterAll(() => {
  rmSync(base, { recursive: true, force: true });
});

describe.skipIf(need.skip).each(shells)('a trial under %s', (shell) => {
  let node: SandboxNode;
  const signer = new KitSigner(join(base, shell));
  beforeEach(async () => {
    node = await createSandboxNode({ shell, signer, base: mkdtempSync(join(base, 'n-')) });
  });
  afterEach(async () => {
    await node.close();
  });

  const begin = async (bundle: KitBundle, values: Record<string, string | number> = {}): Promise<Started> => {
    const started = await node.start(node.update([bundle], values), [bundle]);
    must(started.answer);
    return started;
  };
  const isOld = async (): Promise<void> => {
    const generation = await node.generation();
    expect(generation.committed_components['toy']?.version).toBe('1.0');
    expect(generation.components['toy']?.version).toBe('1.0');
    expect(generation.trial).toBe(false);
    expect(node.running()).toBe('1.0');
    expect(node.init.timers()).toEqual([]);
  };
  const deniedDigests = async (): Promise<string[]> => {
    const status = await node.call('status');
    return status.lines.filter((line) => line.t === 'denied').map((line) => String(line['digest']));
  };

  it('of a runtime that crashes after a while reverts by itself, keeps the log and denies the bundle', async () => {
    const bad = node.runtime('2.0', {
      daemon: toyScript('2.0', 'echo 2.0 >"$root/run/toy.version"; echo "no such device" >&2; sleep 2 3>&-; exit 1'),
    });
    const started = await begin(bad, { 'health.window': 5 });
    const tx = await node.reach(started, 'REVERTED');
    expect(tx.why).toBe('crash');
    expect(tx.log).toContain('no such device');
    await isOld();
    expect(await deniedDigests()).toEqual([bad.digest]);
    const again = await node.start(node.update([bad]), []);
    expect(again.answer).toMatchObject({ code: 'DENIED', status: 4 });
  });

  it('of a runtime that never becomes ready reverts as hung', async () => {
    const hangs = node.runtime('2.0', { daemon: toyScript('2.0', 'sleep 3600 3>&-') });
    const unit = 'exec=$ROOT/usr/bin/toy serve\nenabled=1\nrestart=always\nkill=process\nready=run/toy.version\n';
    rmSync(node.path('run/toy.version'), { force: true });
    put(node.path('etc/lab-init/units/toy.service.unit'), unit);
    const started = await begin(hangs);
    const tx = await node.reach(started, 'REVERTED');
    expect(tx.why).toBe('hang');
    expect(await deniedDigests()).toEqual([hangs.digest]);
    await isOld();
  });

  it('whose probe flaps never gathers its passes and reverts at the cap', async () => {
    const flapping = toyScript('2.0').replace(
      'ping) ',
      'ping) n=$(cat "$root/run/n" 2>/dev/null || echo 0); echo $((n + 1)) >"$root/run/n"; [ $((n % 2)) = 1 ] || exit 1; ',
    );
    const started = await begin(node.runtime('2.0', { daemon: flapping }), { 'health.cap': 5, 'health.passes': 3 });
    const tx = await node.reach(started, 'REVERTED');
    expect(tx.why).toBe('health');
    await isOld();
  });

  it('of a runtime that says another version than was promised is aborted before the switch', async () => {
    const started = await begin(node.runtime('2.0', { daemon: toyScript('7.7') }));
    const tx = await node.reach(started, 'ABORT');
    expect(tx.why).toBe('preflight:version');
    await isOld();
  });

  /** A process `keeper` with one child, whose pid stands in run/kept. */
  const keep = async (): Promise<void> => {
    put(node.path('usr/bin/keeper'), '#!/bin/sh\nsleep 3600 3>&- &\necho $! >run/kept\nwait\n', 0o755);
    node.init.spawn([node.path('usr/bin/keeper')]);
    await until('the keeper says whom it keeps', () => node.text('run/kept'));
  };
  const cruel = toyScript('2.0', 'kill "$(cat "$root/run/kept")"');

  it('in which a workload of before is lost reverts', async () => {
    await keep();
    const driver = `${toyDriver}survive=proc:keeper\nsurvive.age=0\n`;
    const started = await begin(node.runtime('2.0', { daemon: cruel, driver }));
    const tx = await node.reach(started, 'REVERTED');
    expect(tx).toMatchObject({ why: 'health', health: '1 workloads that ran before are gone' });
    await isOld();
  });

  it('in which a process ends that ran for less than ten minutes goes on and says so', async () => {
    await keep();
    const started = await begin(node.runtime('2.0', { daemon: cruel, driver: `${toyDriver}survive=proc:keeper\n` }));
    const waiting = await node.reach(started, 'AWAIT');
    expect(waiting.health).toContain('1 short-lived processes ended meanwhile');
  });

  it('that nobody confirms is taken back at its deadline and may be tried again', async () => {
    const bundle = node.runtime('2.0');
    const started = await begin(bundle, { 'health.cap': 3, 'confirm.window': 1 });
    const tx = await node.reach(started, 'REVERTED');
    expect(tx.why).toBe('deadline');
    await isOld();
    expect(await deniedDigests()).toEqual([]);
    const second = await node.begin(started.run, started.token, 2, 1);
    expect(must(second.answer).lines[0]).toMatchObject({ step: second.step, state: 'BEGIN' });
  });

  it('whose runner is stopped by something is taken back by the dead-man', async () => {
    node.lab('failpoint', '11 stop');
    const started = await begin(node.runtime('2.0'), { 'health.cap': 3, 'confirm.window': 1 });
    const tx = await node.reach(started, 'REVERTED');
    expect(tx.why).toBe('deadline');
    await isOld();
  });

  it('whose runner is stopped stays open when the dead-man is taken out', async () => {
    node.lab('nodeadman');
    node.lab('failpoint', '11 stop');
    const started = await begin(node.runtime('2.0'), { 'health.cap': 2, 'confirm.window': 1 });
    await node.reach(started, 'AWAIT');
    await until('the deadline is past by two seconds', () => node.tx(started), {
      good: (tx) => (tx?.deadline_left ?? 0) <= -2,
    });
    expect((await node.tx(started))?.state).toBe('AWAIT');
  });

  it('is confirmed only with its nonce, and a second confirmation is told the same', async () => {
    const started = await begin(node.runtime('2.0'));
    await node.reach(started, 'AWAIT');
    expect(await node.confirm({ ...started, nonce: 'guess' })).toMatchObject({ code: 'BAD_NONCE', status: 4 });
    expect((await node.tx(started))?.state).toBe('AWAIT');
    const [one, two] = await Promise.all([node.confirm(started), node.confirm(started)]);
    expect([one.ok, two.ok]).toEqual([true, true]);
    expect(must(await node.confirm(started)).lines[0]).toMatchObject({ state: 'COMMIT' });
    const again = await node.call('run', { run: started.run, step: started.step, token: started.token });
    expect(must(again).lines[0]).toMatchObject({ state: 'COMMIT' });
  });

  it('confirmed at its deadline is committed or reverted, and both sides are told the same', async () => {
    const started = await begin(node.runtime('2.0'), { 'health.cap': 2, 'confirm.window': 1 });
    await node.reach(started, 'AWAIT', 'REVERTED');
    // Without a pause between two looks: the confirmation shall meet the deadline as closely as it can.
    await until('the deadline is there', () => node.tx(started), {
      every: 0,
      good: (tx) => (tx?.deadline_left ?? 0) <= 0,
    });
    const answer = await node.confirm(started);
    const tx = await node.reach(started, 'COMMIT', 'REVERTED');
    expect(answer.ok).toBe(tx.state === 'COMMIT');
    expect((await node.generation()).committed_components['toy']?.version).toBe(tx.state === 'COMMIT' ? '2.0' : '1.0');
  });

  it('keeps a second transaction out, by name', async () => {
    const started = await begin(node.runtime('2.0'));
    await node.reach(started, 'AWAIT');
    const other = node.runtime('3.0');
    const authority = node.update([other]);
    const token = await node.lease(authority.run);
    must(await node.slice(token, authority));
    must(await node.stage(token, authority.run, other));
    const second = await node.begin(authority.run, token);
    expect(second.answer).toMatchObject({ code: 'BUSY', status: 75 });
    expect(second.answer.reason).toContain(started.run);
    expect((await node.tx(started))?.state).toBe('AWAIT');
  });

  it('is taken back by the operator', async () => {
    const started = await begin(node.runtime('2.0'));
    await node.reach(started, 'AWAIT');
    const answer = must(await node.call('revert', { run: started.run, step: started.step, token: started.token }));
    expect(answer.lines[0]).toMatchObject({ state: 'REVERTED', why: 'operator' });
    await isOld();
    expect(await node.confirm(started)).toMatchObject({ code: 'NOT_AWAITING' });
  });

  it('ends when the machine is rebooted, and says so', async () => {
    const started = await begin(node.runtime('2.0'));
    await node.reach(started, 'AWAIT');
    await node.init.shutdown();
    await node.init.boot();
    expect(await node.tx(started)).toMatchObject({ state: 'REVERTED', why: 'reboot' });
    expect((await node.generation()).components['toy']?.version).toBe('1.0');
    expect(await deniedDigests()).toEqual([]);
  });

  it('is blocked by a veto that comes up between the request and the switch', async () => {
    const counter = node.path('var/asked');
    veto(
      node,
      'line',
      `n=$(cat ${counter} 2>/dev/null || echo 0); echo $((n + 1)) >${counter}; [ "$n" = 0 ] || { echo running; exit 1; }`,
    );
    const started = await begin(node.runtime('2.0'));
    const tx = await node.reach(started, 'ABORT');
    expect(tx).toMatchObject({ why: 'veto', health: 'line: running' });
    await isOld();
    const emergency = await begin(node.runtime('2.1'), { emergency: 1 });
    await node.reach(emergency, 'AWAIT');
    const spool = must(await node.call('spool', { op: 'read' }));
    expect(spool.lines).toContainEqual(expect.objectContaining({ t: 'event', kind: 'veto-overridden' }));
  });

  it('is BROKEN when the old version is unhealthy as well, and nothing loops', async () => {
    const started = await begin(node.runtime('2.0'));
    await node.reach(started, 'AWAIT');
    // What the committed generation starts from is spoilt while the trial runs.
    const store = node.path('var/lib/edgectl/store/toy');
    const adopted = readdirSync(store).find((name) => name.startsWith('0-adopted')) ?? '';
    put(join(store, adopted, 'files/bin/toy'), '#!/bin/sh\nexit 1\n', 0o755);
    const answer = await node.call('revert', { run: started.run, step: started.step, token: started.token });
    expect(answer.lines[0]).toMatchObject({ state: 'BROKEN', why: 'operator' });
    expect(node.init.timers()).toEqual([]);
  });

  it('after its commit falls back once by itself when the runtime dies within a day, and reports it', async () => {
    await node.carryOut(node.runtime('2.0'));
    const incompatible = node.path('var/die');
    const dies = node.runtime('3.0', { daemon: toyScript('3.0', `[ ! -e ${incompatible} ] || exit 1`) });
    await node.carryOut(dies);
    put(incompatible, '');
    const pid = node.init.units()['toy.service']?.pid ?? 0;
    process.kill(pid, 'SIGKILL');
    await until('the node falls back', () => node.running(), { good: (version) => version === '2.0' });
    const status = must(await node.call('status'));
    expect(status.lines).toContainEqual(expect.objectContaining({ t: 'later', component: 'toy', from: dies.digest }));
    expect((await node.generation()).committed_components['toy']?.version).toBe('2.0');
    expect(await deniedDigests()).toEqual([dies.digest]);
  });

  it('never recovers to a generation that only was staged, nor to a damaged one', async () => {
    await node.carryOut(node.runtime('2.0'));
    const started = await begin(node.runtime('3.0'));
    await node.reach(started, 'AWAIT');
    await node.init.powerCut();
    const store = node.path('var/lib/edgectl/store/toy');
    const second = readdirSync(store).find((name) => name.startsWith('2.0-')) ?? '';
    put(join(store, second, 'files/bin/toy'), 'torn', 0o755);
    await node.init.boot();
    const generation = await node.generation();
    expect(generation.components['toy']?.version).toBe('1.0');
    expect(generation.committed_components['toy']?.version).toBe('1.0');
    expect(node.running() === '' || node.running() === '1.0').toBe(true);
  });
});

describe.skipIf(need.skip)('what EDGECTL_ variables do', () => {
  it('is nothing', async () => {
    const node = await createSandboxNode({ base: mkdtempSync(join(base, 'n-')) });
    try {
      const elsewhere = join(node.base, 'elsewhere');
      const names = [
        'EDGECTL_ROOT',
        'EDGECTL_PREFIX',
        'EDGECTL_FLEET',
        'EDGECTL_INIT',
        'EDGECTL_TRUST',
        'P',
        'R',
        'V',
        'ETC',
        'TRUST',
        'INIT',
        'ENV',
        'BASH_ENV',
      ];
      const env = names.map((name) => `${name}=${elsewhere}`);
      const plain = await node.call('hello');
      const answer = await node.exec(
        ['env', ...env, node.path('usr/local/sbin/edgectl-node'), 'hello'],
        Buffer.from('.\n'),
      );
      expect(answer.lines[0]).toMatchObject({ ...plain.lines[0], up: expect.any(Number) as number });
      const lease = await node.exec(
        ['env', ...env, node.path('usr/local/sbin/edgectl-node'), 'lease'],
        Buffer.from('op=take\nrun=r1\nowner=o\nhost=h\nttl=60\n.\n'),
      );
      expect(lease.ok).toBe(true);
      expect(existsSync(elsewhere)).toBe(false);
      expect(readFileSync(node.path('var/lib/edgectl/lease/counter'), 'utf8')).toBe('1 r1\n');
    } finally {
      await node.close();
    }
  });
});
