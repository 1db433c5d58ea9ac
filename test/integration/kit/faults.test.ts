import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { SandboxNode, SandboxOptions, Started } from '../../helpers/kit-sandbox.js';
import { createSandboxNode, encodeValue, must, toyDriver, toyScript } from '../../helpers/kit-sandbox.js';
import type { KitBundle, SliceValues } from '../../helpers/kit-signer.js';
import { KitSigner, put, sha256 } from '../../helpers/kit-signer.js';
import { requires } from '../../helpers/requires.js';
import { until } from '../../helpers/until.js';

/* Rows of the crash matrix (docs/concepts/crash-matrix.md) that are about something else than a failpoint. */

const need = requires('ssh-keygen', 'busybox', 'dash');
const base = mkdtempSync(join(tmpdir(), 'kit-faults-'));
const signer = need.skip ? undefined : new KitSigner(join(base, 'keys'));
const tenYears = 10 * 365 * 86_400;

afterAll(() => {
  rmSync(base, { recursive: true, force: true });
});

const onNode = async (act: (node: SandboxNode) => Promise<void>, options: SandboxOptions = {}): Promise<void> => {
  const own = { base: mkdtempSync(join(base, 'n-')), ...(signer ? { signer } : {}), ...options };
  const node = await createSandboxNode(own);
  await act(node).finally(() => node.close());
};
const begin = async (node: SandboxNode, bundle: KitBundle, values: SliceValues = {}): Promise<Started> => {
  const started = await node.start(node.update([bundle], values), [bundle]);
  must(started.answer);
  return started;
};
const awaiting = async (node: SandboxNode, values: SliceValues = {}): Promise<Started> => {
  const started = await begin(node, node.runtime('2.0'), values);
  await node.reach(started, 'AWAIT');
  return started;
};
const isOld = async (node: SandboxNode): Promise<void> => {
  const generation = await node.generation();
  expect(generation.committed_components['toy']?.version).toBe('1.0');
  expect(generation.components['toy']?.version).toBe('1.0');
  expect(generation.trial).toBe(false);
  expect(node.init.timers()).toEqual([]);
  await until('version 1.0 runs', () => node.running() === '1.0');
};
const committedVersion = async (node: SandboxNode): Promise<string | undefined> =>
  (await node.generation()).committed_components['toy']?.version;
const deniedHere = async (node: SandboxNode): Promise<number> =>
  (await node.call('status')).lines.filter((line) => line.t === 'denied').length;
const verdictOf = (node: SandboxNode, { step }: Started): string => {
  const [run = '', , seq = '', attempt = ''] = step.split('/');
  try {
    return readlinkSync(node.path(`run/edgectl/verdict/${run}.${seq}.${attempt}/decided`));
  } catch {
    return '';
  }
};

describe.skipIf(need.skip)('a trial', () => {
  it.concurrent('goes on when the connection that asked for it is cut, and reverts when nobody comes back', () =>
    onNode(async (node) => {
      const bundle = node.runtime('2.0');
      const wanted = node.update([bundle], { 'health.cap': 4, 'confirm.window': 2 });
      const held = await node.ready(wanted, [bundle]);
      const step = `${wanted.run}/${node.id}/1/1`;
      // What somebody left who was cut off a moment earlier: a record in which nothing stands yet.
      put(node.path(`var/lib/edgectl/tx/${wanted.run}.1.1/spec`), `run=${wanted.run}\n`);
      const fields = { run: wanted.run, step, token: held, nonce_sha256: sha256('n') };
      const child = node.init.spawn([node.path('usr/local/sbin/edgectl-node'), 'run']);
      child.stdin?.end(
        `${Object.entries(fields)
          .map(([key, value]) => `${key}=${encodeValue(value)}\n`)
          .join('')}.\n`,
      );
      child.stdout?.destroy();
      await until('the runner is at work', () => (node.init.units()['edgectl-tx']?.pid ?? 0) > 0);
      child.kill('SIGKILL');
      await node.reach({ run: wanted.run, step }, 'AWAIT');
      expect(await node.reach({ run: wanted.run, step }, 'REVERTED')).toMatchObject({ why: 'deadline' });
      await isOld(node);
    }),
  );

  it.concurrent('whose confirmation is lost on its way back is committed, says so, and says so again', () =>
    onNode(async (node) => {
      const started = await awaiting(node);
      const { run, step, token, nonce } = started;
      const child = node.init.spawn([node.path('usr/local/sbin/edgectl-node'), 'confirm']);
      child.stdin?.end(`run=${run}\nstep=${step}\ntoken=${token}\nnonce=${nonce}\n.\n`);
      child.stdout?.destroy();
      await until('it is decided', () => verdictOf(node, started) === 'confirm');
      child.kill('SIGKILL');
      expect((await node.reach(started, 'COMMIT')).step).toBe(step);
      for (const _ of [1, 2]) expect(must(await node.confirm(started)).lines[0]).toMatchObject({ state: 'COMMIT' });
      expect(await committedVersion(node)).toBe('2.0');
    }),
  );

  it.concurrent.each([1, 0, -1])(
    'that is confirmed when %i s of its time are left has one verdict, which both sides are told',
    (left) =>
      onNode(async (node) => {
        const started = await begin(node, node.runtime('2.0'), { 'health.cap': 3, 'confirm.window': 2 });
        await node.reach(started, 'AWAIT', 'REVERTED');
        await until('the deadline is so near', async () => ((await node.tx(started))?.deadline_left ?? -9) <= left);
        const answer = await node.confirm(started);
        const tx = await node.reach(started, 'COMMIT', 'REVERTED');
        expect(answer.ok).toBe(tx.state === 'COMMIT');
        expect(verdictOf(node, started)).toBe(tx.state === 'COMMIT' ? 'confirm' : 'deadline');
        expect(await committedVersion(node)).toBe(tx.state === 'COMMIT' ? '2.0' : '1.0');
        if (left < 0) expect(tx.state).toBe('REVERTED');
        expect((await node.confirm(started)).ok).toBe(answer.ok);
      }),
  );

  it.concurrent('whose probe never ends is taken back as hung', () =>
    onNode(async (node) => {
      const hangs = toyScript('2.0').replace('ping) ', 'ping) sleep 3600; ');
      const started = await begin(node, node.runtime('2.0', { daemon: hangs }), { 'health.cap': 5 });
      const tx = await node.reach(started, 'REVERTED');
      expect(tx).toMatchObject({ why: 'hang', health: 'toy: the probe did not end within 15 s' });
      await isOld(node);
    }),
  );

  it.concurrent.each([
    ['it cannot be armed', 'armTimer'],
    ['it is not armed although systemd said so', 'timerArmed'],
  ] as const)('does not begin without its dead-man: %s', (_what, fault) =>
    onNode(async (node) => {
      if (fault === 'armTimer')
        node.init.armTimer = () => {
          throw new Error('no timers today');
        };
      else node.init.timerArmed = () => false;
      const started = await begin(node, node.runtime('2.0'));
      expect(await node.reach(started, 'ABORT')).toMatchObject({ why: 'deadman' });
      expect(node.running()).toBe('1.0');
      expect((await node.generation()).components['toy']?.version).toBe('1.0');
    }),
  );

  it.concurrent('that loses its power three times stays old three times, is not denied, and may be tried again', () =>
    onNode(async (node) => {
      const bundle = node.runtime('2.0');
      const authority = node.update([bundle]);
      const attempt = async (n: number): Promise<Started> => {
        const started = await node.begin(authority.run, await node.ready(authority, [bundle]), n, 1);
        must(started.answer);
        await node.reach(started, 'AWAIT');
        return started;
      };
      for (const n of [1, 2, 3]) {
        const started = await attempt(n);
        await node.init.powerCut();
        await node.init.boot();
        expect(await node.tx(started)).toMatchObject({ state: 'REVERTED', why: 'power' });
        await isOld(node);
        expect(await deniedHere(node)).toBe(0);
      }
      must(await node.confirm(await attempt(4)));
      expect(await committedVersion(node)).toBe('2.0');
    }),
  );

  it.concurrent('is refused to a service that others would miss before it is back', () =>
    onNode(async (node) => {
      const preflight = async (version: string, grace: string): Promise<string> => {
        const driver = toyDriver.replace('service.kill-mode', `service.grace=${grace}\nservice.kill-mode`);
        const bundle = node.runtime(version, { driver });
        const { answer } = await node.start(node.update([bundle]), [bundle]);
        return answer.ok ? 'begun' : `${answer.code} ${answer.reason}`;
      };
      expect(await preflight('2.0', '2')).toMatch(/^PREFLIGHT grace: toy may take 3 s to start and be gone for 2 s/);
      expect(node.running()).toBe('1.0');
      expect(await preflight('2.1', '3')).toBe('begun');
    }),
  );
});

describe.skipIf(need.skip)('the wall clock', () => {
  /** What `date` tells the kit from now on, in seconds beside the truth. */
  const shiftable = (node: SandboxNode): ((seconds: number) => void) => {
    const dir = join(node.base, 'clock');
    const shift = (seconds: number): void => put(join(dir, 'shift'), String(seconds));
    shift(0);
    const now = `$(($(/bin/date +%s) + $(cat ${dir}/shift)))`;
    put(join(dir, 'date'), `#!/bin/sh\nexec /bin/date -d "@${now}" "$@"\n`, 0o755);
    node.lab('path', `${dir}:/usr/sbin:/usr/bin:/sbin:/bin`);
    return shift;
  };
  const tomorrow = (): number => Math.floor(Date.now() / 1000) + 86_400;

  it.concurrent.each([tenYears, -tenYears])('jumps by %i s in a trial, and the confirmation still counts', (jump) =>
    onNode(async (node) => {
      const shift = shiftable(node);
      const started = await awaiting(node, { expires: tomorrow() });
      const left = (await node.tx(started))?.deadline_left ?? 0;
      shift(jump);
      const after = (await node.tx(started))?.deadline_left ?? 0;
      expect(left - after).toBeGreaterThanOrEqual(0);
      expect(after).toBeGreaterThan(0);
      must(await node.confirm(started));
      expect(await committedVersion(node)).toBe('2.0');
      await node.init.powerCut();
      await node.init.boot();
      expect(await committedVersion(node)).toBe('2.0');
    }),
  );

  it.concurrent.each([tenYears, -tenYears])(
    'jumps by %i s in a trial, and the deadline comes when it was to come',
    (jump) =>
      onNode(async (node) => {
        const shift = shiftable(node);
        const started = await awaiting(node, { expires: tomorrow(), 'health.cap': 4, 'confirm.window': 2 });
        shift(jump);
        expect((await node.tx(started))?.state).toBe('AWAIT');
        expect(await node.reach(started, 'REVERTED')).toMatchObject({ why: 'deadline' });
        await isOld(node);
      }),
  );
});

describe.skipIf(need.skip)('a committed pointer', () => {
  it.concurrent.each([
    ['leads nowhere', (path: string) => symlinkSync('gen/99', path)],
    ['is an empty file', (path: string) => writeFileSync(path, '')],
    ['is gone', () => undefined],
  ])('that %s is made again from the newest generation that was ever committed, and that is told', (_what, spoil) =>
    onNode(async (node) => {
      await node.carryOut(node.runtime('2.0'));
      await begin(node, node.runtime('3.0')).then((started) => node.reach(started, 'AWAIT'));
      await node.init.powerCut();
      const pointer = node.path('var/lib/edgectl/committed');
      rmSync(pointer);
      spoil(pointer);
      await node.init.boot();
      expect(await committedVersion(node)).toBe('2.0');
      await until('version 2.0 runs', () => node.running() === '2.0');
      const events = must(await node.call('spool', { op: 'read' })).lines;
      expect(events).toContainEqual(expect.objectContaining({ kind: 'repaired', from: 'none' }));
      const before = await node.generation();
      await node.init.recover();
      expect(await node.generation()).toEqual(before);
    }),
  );
});

const mounts = requires('ssh-keygen', 'dash', 'root', 'loop');

describe.skipIf(mounts.skip)('the disk of a node', () => {
  /** A node whose R is a file system of its own. */
  const onDisk = async (act: (node: SandboxNode, r: string) => Promise<void>): Promise<void> => {
    const dir = mkdtempSync(join(base, 'disk-'));
    const r = join(dir, 'root/var/lib/edgectl');
    mkdirSync(r, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'edgectl-test', r]);
    try {
      const node = await createSandboxNode({ base: dir, ...(signer ? { signer } : {}) });
      await act(node, r).finally(() => node.init.powerCut());
    } finally {
      execFileSync('umount', [r]);
    }
  };
  const remount = (r: string, how: 'ro' | 'rw'): void => {
    execFileSync('mount', ['-o', `remount,${how}`, r]);
  };

  it('turns read-only in a trial, which is taken back without a write, and tells so', async () => {
    await onDisk(async (node, r) => {
      const started = await awaiting(node);
      remount(r, 'ro');
      const answer = must(await node.call('revert', { run: started.run, step: started.step, token: started.token }));
      expect(answer.lines[0]).toMatchObject({ state: 'REVERTED', why: 'operator' });
      await isOld(node);
      const doctor = await node.call('doctor');
      expect(doctor.lines).toContainEqual(expect.objectContaining({ id: 'writable', ok: false }));
      remount(r, 'rw');
    });
  });

  it('turns read-only before the commit, which is then none', async () => {
    await onDisk(async (node, r) => {
      const started = await awaiting(node);
      remount(r, 'ro');
      const answer = await node.confirm(started);
      expect(answer).toMatchObject({ ok: false, code: 'NOT_AWAITING' });
      expect(await node.tx(started)).toMatchObject({ state: 'REVERTED', why: 'no-space' });
      remount(r, 'rw');
      await isOld(node);
    });
  });

  it('cannot make the commit last: it is acknowledged as none, and is none after a boot', () =>
    onNode(async (node) => {
      const [dir, flag] = [join(base, 'lossy'), join(base, 'lossy-now')];
      put(join(dir, 'sync'), `#!/bin/sh\n[ ! -e ${flag} ] || [ "$2" = /proc ] || exit 1\nexec /bin/sync "$@"\n`, 0o755);
      node.lab('path', `${dir}:/usr/sbin:/usr/bin:/sbin:/bin`);
      const started = await awaiting(node);
      writeFileSync(flag, '');
      await node.confirm(started);
      const tx = await node.reach(started, 'COMMIT', 'REVERTED', 'BROKEN');
      expect([tx.state, tx.why]).toEqual(['REVERTED', 'no-space']);
      await isOld(node);
      rmSync(flag);
      await node.init.powerCut();
      await node.init.boot();
      await isOld(node);
    }));

  it('is full at the journal or at the commit: acknowledged is what is committed, also after a boot', async () => {
    await onDisk(async (node, r) => {
      const started = await awaiting(node);
      try {
        execFileSync('dd', ['if=/dev/zero', `of=${join(r, 'filler')}`, 'bs=64k', 'count=3000'], { stdio: 'ignore' });
      } catch {
        // dd ends with "no space left", as it must.
      }
      const answer = await node.confirm(started);
      const expected = answer.ok ? '2.0' : '1.0';
      expect(await committedVersion(node)).toBe(expected);
      await until(`version ${expected} runs`, () => node.running() === expected);
      rmSync(join(r, 'filler'));
      await node.init.powerCut();
      await node.init.boot();
      expect(await committedVersion(node)).toBe(expected);
      expect((await node.tx(started))?.state).toBe(answer.ok ? 'COMMIT' : 'REVERTED');
    });
  });
});
