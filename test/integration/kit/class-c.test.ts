import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createStateNode,
  fingerprint,
  leftovers,
  migratedTo,
  quiet,
  snapshots,
  stateDir,
  stateDriver,
  stateRuntime,
} from '../../helpers/kit-class-c.js';
import type { KitLine } from '../../../src/node/types.js';
import type { Answer, KitShell, SandboxNode, Started } from '../../helpers/kit-sandbox.js';
import { must } from '../../helpers/kit-sandbox.js';
import type { KitBundle } from '../../helpers/kit-signer.js';
import { KitSigner, put } from '../../helpers/kit-signer.js';
import { requires } from '../../helpers/requires.js';
import { until } from '../../helpers/until.js';

const need = requires('ssh-keygen', 'busybox', 'dash');
const shells: KitShell[] = ['dash', 'bash', 'busybox'];
const base = mkdtempSync(join(tmpdir(), 'kit-class-c-'));

afterAll(() => {
  rmSync(base, { recursive: true, force: true });
});

describe.skipIf(need.skip).each(shells)('a runtime that migrates its state, under %s', (shell) => {
  let node: SandboxNode;
  let before: string[];
  const signer = new KitSigner(join(base, shell));
  beforeEach(async () => {
    node = await createStateNode({ shell, signer, base: mkdtempSync(join(base, 'n-')) });
    before = fingerprint(node.path(stateDir));
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
    await quiet(node);
    expect(node.running()).toBe('1.0');
    expect(fingerprint(node.path(stateDir))).toEqual(before);
    expect(leftovers(node)).toEqual([]);
  };

  it('is committed with its state migrated, and keeps the copy from before', async () => {
    const started = await begin(stateRuntime(node, '2.0'));
    await node.reach(started, 'AWAIT');
    expect(existsSync(node.path('var/lib/edgectl/held/toy.service'))).toBe(true);
    must(await node.confirm(started));
    expect(node.running()).toBe('2.0');
    expect(migratedTo(node.path(stateDir), 2)).toBe(true);
    await quiet(node);
    expect(leftovers(node)).toEqual([]);
    const [snapshot = ''] = snapshots(node);
    expect(fingerprint(node.path(`var/lib/edgectl/snap/${snapshot}/1`))).toEqual(before);
  });

  it('gets its state back byte for byte when it is taken back', async () => {
    const started = await begin(stateRuntime(node, '2.0'));
    await node.reach(started, 'AWAIT');
    expect(migratedTo(node.path(stateDir), 2)).toBe(true);
    const answer = must(await node.call('revert', { run: started.run, step: started.step, token: started.token }));
    expect(answer.lines[0]).toMatchObject({ state: 'REVERTED', why: 'operator' });
    await isOld();
    expect(snapshots(node)).toEqual([]);
  });

  it('gets its state back when the new version dies after its migration', async () => {
    const dies = stateRuntime(node, '2.0', 'echo "cannot read page 7" >&2; exit 1');
    const tx = await node.reach(await begin(dies, { 'health.window': 5 }), 'REVERTED');
    expect(tx).toMatchObject({ why: 'crash' });
    expect(tx.log).toContain('cannot read page 7');
    await isOld();
  });

  it('leaves no directory behind that was not there before', async () => {
    const driver = stateDriver([`/${stateDir}`, '/var/lib/toy-cache']);
    const started = await begin(
      stateRuntime(node, '2.0', 'mkdir -p "$root/var/lib/toy-cache"; echo new >"$root/var/lib/toy-cache/x"', driver),
    );
    await node.reach(started, 'AWAIT');
    expect(existsSync(node.path('var/lib/toy-cache/x'))).toBe(true);
    must(await node.call('revert', { run: started.run, step: started.step, token: started.token }));
    expect(existsSync(node.path('var/lib/toy-cache'))).toBe(false);
    await isOld();
  });

  it('is rolled back only when the slice says what becomes of its state', async () => {
    await node.carryOut(stateRuntime(node, '2.0'));
    const migrated = fingerprint(node.path(stateDir));
    const old = await adopted(node);
    const silent = node.update([old], { kind: 'rollback' });
    const { answer } = await node.begin(silent.run, await node.ready(silent, []));
    expect(answer).toMatchObject({ code: 'PREFLIGHT', reason: expect.stringMatching(/^state: toy 2\.0 /) as string });
    expect(node.running()).toBe('2.0');

    // Kept as it is, the old version cannot live with it: what ran before the rollback comes back, with its own state.
    const keeping = await node.start(node.update([old], { kind: 'rollback', 'state.toy': 'keep' }), []);
    expect((await node.reach(keeping, 'REVERTED')).why).toBe('crash');
    expect(node.running()).toBe('2.0');
    expect(fingerprint(node.path(stateDir))).toEqual(migrated);
    await undeny(node, old.digest);

    // Put back, but not confirmed: the same.
    const unsure = await node.start(node.update([old], { kind: 'rollback', 'state.toy': 'restore' }), []);
    await node.reach(unsure, 'AWAIT');
    expect(fingerprint(node.path(stateDir))).toEqual(before);
    must(await node.call('revert', { run: unsure.run, step: unsure.step, token: unsure.token }));
    expect(fingerprint(node.path(stateDir))).toEqual(migrated);

    const back = await node.start(node.update([old], { kind: 'rollback', 'state.toy': 'restore' }), []);
    await node.reach(back, 'AWAIT');
    must(await node.confirm(back));
    await isOld();
    // What is kept now is the state of 2.0, for a change of mind.
    const [kept = '', ...more] = snapshots(node);
    expect(more).toEqual([]);
    expect(fingerprint(node.path(`var/lib/edgectl/snap/${kept}/1`))).toEqual(migrated);
  });
});

describe.skipIf(need.skip)('the state of class C', () => {
  let node: SandboxNode;
  let before: string[];
  const signer = new KitSigner(join(base, 'signer'));
  beforeEach(async () => {
    node = await createStateNode({ signer, base: mkdtempSync(join(base, 'n-')) });
    before = fingerprint(node.path(stateDir));
  });
  afterEach(async () => {
    await node.close();
  });
  const begin = async (bundle: KitBundle, values: Record<string, string | number> = {}): Promise<Started> => {
    const started = await node.start(node.update([bundle], values), [bundle]);
    must(started.answer);
    return started;
  };
  const takeBack = async (started: Started): Promise<Answer> =>
    must(await node.call('revert', { run: started.run, step: started.step, token: started.token }));
  const refusal = async (driver: string): Promise<string> => {
    const bundle = stateRuntime(node, '2.0', '', driver);
    const { answer } = await node.start(node.update([bundle]), [bundle]);
    expect(answer.code).toBe('PREFLIGHT');
    await quiet(node);
    expect(snapshots(node)).toEqual([]);
    expect(node.running()).toBe('1.0');
    return answer.reason;
  };

  it('is refused where it holds or lies in what edgectl itself keeps, and where it is no directory', async () => {
    put(node.path('var/lib/one-file.db'), 'x');
    expect(await refusal(stateDriver(['/var/lib']))).toMatch(/^state: .*holds what edgectl itself keeps/);
    expect(await refusal(stateDriver(['/var/lib/edgectl/gen']))).toMatch(/^state: .*is in what edgectl itself keeps/);
    expect(await refusal(stateDriver(['/var/lib/../lib/toy']))).toMatch(/^state: .*is no plain path/);
    expect(await refusal(stateDriver(['/var/lib/one-file.db']))).toMatch(/^state: .*is not a directory/);
    expect(await refusal(stateDriver([]))).toMatch(/^class: .*names no state or no service/);
  });

  it('may lie behind links, which stay what they are', async () => {
    mkdirSync(node.path('srv/volume'), { recursive: true });
    renameSync(node.path(stateDir), node.path('srv/volume/toy'));
    symlinkSync(node.path('srv/volume'), node.path('var/lib/volume'));
    symlinkSync('volume/toy', node.path(stateDir));
    const started = await begin(stateRuntime(node, '2.0'));
    await node.reach(started, 'AWAIT');
    expect(migratedTo(node.path('srv/volume/toy'), 2)).toBe(true);
    await takeBack(started);
    expect(readlinkSync(node.path(stateDir))).toBe('volume/toy');
    expect(fingerprint(node.path('srv/volume/toy'))).toEqual(before);
    expect(readdirSync(node.path('srv/volume'))).toEqual(['toy']);
  });

  it('loses its sockets, behind which nobody listens any more', async () => {
    const server = createServer().listen(node.path(`${stateDir}/control.sock`));
    await once(server, 'listening');
    const started = await begin(stateRuntime(node, '2.0'));
    await node.reach(started, 'AWAIT');
    await takeBack(started);
    server.close();
    expect(existsSync(node.path(`${stateDir}/control.sock`))).toBe(false);
    expect(fingerprint(node.path(stateDir))).toEqual(before);
  });

  it('goes back at the boot when the machine is rebooted in the trial', async () => {
    const started = await begin(stateRuntime(node, '2.0'));
    await node.reach(started, 'AWAIT');
    await node.init.shutdown();
    await node.init.boot();
    expect(await node.tx(started)).toMatchObject({ state: 'REVERTED', why: 'reboot' });
    await until('version 1.0 runs', () => node.running() === '1.0');
    expect(fingerprint(node.path(stateDir))).toEqual(before);
    await quiet(node);
    expect(leftovers(node)).toEqual([]);
  });

  it('is never given to an older version by the automatic fallback of the first day', async () => {
    const incompatible = node.path('var/die');
    await node.carryOut(stateRuntime(node, '2.0', `[ ! -e ${incompatible} ] || exit 1`));
    put(incompatible, '');
    process.kill(node.init.units()['toy.service']?.pid ?? 0, 'SIGKILL');
    const broken = async (): Promise<KitLine | undefined> =>
      (await node.call('spool', { op: 'read' })).lines.find((line) => line['kind'] === 'broken');
    await until('the node says that it is broken', async () => (await broken()) !== undefined);
    expect((await broken())?.['why']).toBe('the state of toy does not go back by itself');
    expect((await node.generation()).committed_components['toy']?.version).toBe('2.0');
    expect(migratedTo(node.path(stateDir), 2)).toBe(true);
  });

  it('is copied in no more time than health.cap, and the old version goes on', async () => {
    const slow = join(node.base, 'slow');
    put(join(slow, 'cp'), '#!/bin/sh\ncase $* in *"/snap/"*) sleep 600 ;; esac\nexec /bin/cp "$@"\n', 0o755);
    node.lab('path', `${slow}:/usr/sbin:/usr/bin:/sbin:/bin`);
    const started = await begin(stateRuntime(node, '2.0'), { 'health.cap': 2 });
    const tx = await node.reach(started, 'REVERTED');
    expect(tx).toMatchObject({ why: 'preflight:state', health: expect.stringContaining('longer than') as string });
    expect(node.running()).toBe('1.0');
    expect(fingerprint(node.path(stateDir))).toEqual(before);
    await quiet(node);
    expect([...leftovers(node), ...snapshots(node)]).toEqual([]);
  });

  it('is kept in copy until a newer change of the component is committed, or until somebody asks for the room', async () => {
    await node.carryOut(stateRuntime(node, '2.0'));
    await quiet(node);
    const [first = ''] = snapshots(node);
    const other = node.runtime('1.0', { component: 'tool', driver: 'class=A\ncomponent=tool\n' });
    await node.carryOut(other);
    expect(snapshots(node)).toEqual([first]);
    const sweep = async (run: string, fields: Record<string, string> = {}): Promise<KitLine[]> => {
      const authority = node.signer.authority(node.id, run, { kind: 'gc', ...fields });
      const token = await node.lease(run);
      must(await node.slice(token, authority));
      return must(await node.call('gc', { run, token })).lines;
    };
    await sweep('run-sweep-1');
    await quiet(node);
    expect(snapshots(node)).toEqual([first]);
    const status = must(await node.call('status'));
    expect(status.lines).toContainEqual(expect.objectContaining({ t: 'snapshot', tx: first, component: 'toy' }));
    await node.carryOut(stateRuntime(node, '3.0'));
    await quiet(node);
    expect(snapshots(node)).toHaveLength(1);
    expect(snapshots(node)).not.toContain(first);
    const gone = await sweep('run-sweep-2', { 'gc.snapshots': '1' });
    expect(gone).toContainEqual(expect.objectContaining({ t: 'removed', component: 'toy' }));
    await quiet(node);
    expect(snapshots(node)).toEqual([]);
  });

  it('is not given to another version than was committed when the committed one is damaged', async () => {
    await node.carryOut(stateRuntime(node, '2.0'));
    await node.init.powerCut();
    const store = node.path('var/lib/edgectl/store/toy');
    const second = readdirSync(store).find((name) => name.startsWith('2.0-')) ?? '';
    put(join(store, second, 'files/bin/toy'), 'torn', 0o755);
    await node.init.boot();
    expect((await node.generation()).components['toy']?.version).toBe('1.0');
    expect(node.init.units()['toy.service']?.state).toBe('inactive');
    const doctor = await node.call('doctor');
    expect(doctor.lines).toContainEqual(expect.objectContaining({ id: 'held', ok: false }));
    // A change that is committed proves it again.
    await node.carryOut(stateRuntime(node, '2.1'));
    expect(node.running()).toBe('2.1');
    await quiet(node);
    expect(leftovers(node)).toEqual([]);
  });

  it('keeps an eject waiting for somebody to say that it stays migrated', async () => {
    await node.carryOut(stateRuntime(node, '2.0'));
    const eject = async (values: Record<string, string>): Promise<Answer> => {
      const authority = signer.authority(node.id, `eject-${Object.keys(values).length}`, { kind: 'eject', ...values });
      const token = await node.lease(authority.run);
      must(await node.slice(token, authority));
      return node.call('eject', { run: authority.run, token });
    };
    expect(await eject({})).toMatchObject({ code: 'PREFLIGHT', reason: expect.stringMatching(/^state: /) as string });
    expect(node.running()).toBe('2.0');
    must(await eject({ 'state.toy': 'keep' }));
  });
});

const mounts = requires('ssh-keygen', 'dash', 'root', 'loop');

describe.skipIf(mounts.skip)('the state of class C and the file system', () => {
  const signer = new KitSigner(join(base, 'mounts'));
  /** A node on a file system of so many MiB, or whose state directory is mounted over. */
  const onDisk = async (mebibytes: number, test: (node: SandboxNode) => Promise<void>): Promise<void> => {
    const at = mkdtempSync(join(base, 'disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', at]);
    try {
      const node = await createStateNode({ signer, base: at });
      await test(node).finally(() => node.init.powerCut());
    } finally {
      execFileSync('umount', ['-R', at]);
    }
  };
  const fill = (node: SandboxNode, mebibytes: number): void => {
    writeFileSync(node.path(`${stateDir}/data/pages`), randomBytes(mebibytes << 20));
  };

  it('is not touched when there is no room for its copy', async () => {
    await onDisk(64, async (node) => {
      fill(node, 32);
      const before = fingerprint(node.path(stateDir));
      const bundle = stateRuntime(node, '2.0');
      const { answer } = await node.start(node.update([bundle]), [bundle]);
      expect(answer).toMatchObject({
        code: 'PREFLIGHT',
        reason: expect.stringMatching(/^disk: .*copy of the state/) as string,
      });
      expect(node.running()).toBe('1.0');
      expect(fingerprint(node.path(stateDir))).toEqual(before);
    });
  });

  it('goes back also when the new version has filled the disk', async () => {
    await onDisk(80, async (node) => {
      fill(node, 24);
      const before = fingerprint(node.path(stateDir));
      const bundle = stateRuntime(node, '2.0', 'cat /dev/zero >"$db/fill" 2>/dev/null; [ -s "$db/fill" ] || exit 1');
      const started = await node.start(node.update([bundle]), [bundle]);
      const tx = await node.reach(started, 'REVERTED', 'AWAIT');
      if (tx.state === 'AWAIT')
        must(await node.call('revert', { run: started.run, step: started.step, token: started.token }));
      expect((await node.tx(started))?.state).toBe('REVERTED');
      expect(fingerprint(node.path(stateDir))).toEqual(before);
      await quiet(node);
      expect(leftovers(node)).toEqual([]);
      await until('version 1.0 runs', () => node.running() === '1.0');
    });
  });

  it('is refused where it is a mount point or holds one', async () => {
    await onDisk(64, async (node) => {
      const bundle = stateRuntime(node, '2.0');
      const authority = node.update([bundle]);
      const token = await node.ready(authority, [bundle]);
      for (const at of [node.path(stateDir), node.path(`${stateDir}/data`)]) {
        execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', at]);
        const { answer } = await node.begin(authority.run, token);
        execFileSync('umount', [at]);
        expect(answer).toMatchObject({
          code: 'PREFLIGHT',
          reason: expect.stringMatching(/^state: .*mount point/) as string,
        });
      }
    });
  });

  it('keeps its unit from starting, over every boot, until it could be put back', async () => {
    await onDisk(64, async (node) => {
      const before = fingerprint(node.path(stateDir));
      const bundle = stateRuntime(node, '2.0');
      const started = await node.start(node.update([bundle]), [bundle]);
      await node.reach(started, 'AWAIT');
      execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', node.path(stateDir)]);
      const answer = await node.call('revert', { run: started.run, step: started.step, token: started.token });
      expect(answer.lines[0]).toMatchObject({
        state: 'BROKEN',
        health: expect.stringContaining('became a mount point') as string,
      });
      await node.init.powerCut();
      await node.init.boot();
      expect((await node.tx(started))?.state).toBe('BROKEN');
      expect(node.running()).toBe('');
      expect(node.init.units()['toy.service']?.state).toBe('inactive');
      execFileSync('umount', [node.path(stateDir)]);
      must(await node.call('recover'));
      expect((await node.tx(started))?.state).toBe('REVERTED');
      await until('version 1.0 runs', () => node.running() === '1.0');
      expect(fingerprint(node.path(stateDir))).toEqual(before);
      await quiet(node);
      expect(leftovers(node)).toEqual([]);
    });
  });
});

/** What the node adopted, as a bundle that needs no sending. */
async function adopted(node: SandboxNode): Promise<KitBundle> {
  await Promise.resolve();
  const store = node.path('var/lib/edgectl/store/toy');
  const name = readdirSync(store).find((one) => one.startsWith('0-adopted')) ?? '';
  const info = new Map(
    readFileSync(join(store, name, 'info'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );
  return {
    component: 'toy',
    version: info.get('version') ?? '',
    digest: info.get('digest') ?? '',
    bytes: Buffer.alloc(0),
    statement: '',
    signature: '',
  };
}

async function undeny(node: SandboxNode, digest: string): Promise<void> {
  const authority = node.signer.authority(node.id, 'undeny-1', { kind: 'undeny', 'undeny.toy': digest });
  const token = await node.lease(authority.run);
  must(await node.slice(token, authority));
  must(await node.call('undeny', { run: authority.run, token }));
}
