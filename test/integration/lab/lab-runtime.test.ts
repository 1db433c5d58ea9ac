import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endStrays } from '../../../src/lab/strays.js';
import { writeRuntime } from '../../../src/lab/supply.js';
import { until } from '../../helpers/until.js';

let parent: string;
let root: string;
let bin: string;
let daemons: ChildProcess[];

/** Start the daemon of a version as a node's init would: in the node's root. */
function serve(): { child: ChildProcess; log: () => string; ended: Promise<number | null> } {
  const child = spawn(join(bin, 'lab-runtime'), ['serve'], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  daemons.push(child);
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  return { child, log: () => text, ended: once(child, 'exit').then(([code]) => code as number | null) };
}

async function runtime(...args: string[]): Promise<{ status: number | null; out: string }> {
  const child = spawn(join(bin, 'lab-runtime'), args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out };
}

const serving = () => until('the runtime serves', async () => (await runtime('ping')).status === 0);
const workload = async () => (await runtime('ps')).out.trim().split(' ');
const install = (version: string, crashAfter = '') => writeRuntime(bin, { version, crashAfter, lab: 'test' });

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'lab-runtime-'));
  root = join(parent, 'node');
  bin = join(root, 'usr', 'bin');
  daemons = [];
  await mkdir(join(root, 'etc', 'lab-runtime', 'workloads'), { recursive: true });
  await writeFile(join(root, 'etc', 'lab-runtime', 'workloads', 'till'), '');
  await install('1.0.0');
});

afterEach(async () => {
  for (const daemon of daemons) daemon.kill('SIGKILL');
  await endStrays(parent);
  await rm(parent, { recursive: true, force: true });
});

describe('the runtime that the lab rolls out', () => {
  it('keeps its workload, with the same pid, while the daemon is replaced by another version', async () => {
    const first = serve();
    await serving();
    const before = await workload();
    first.child.kill('SIGTERM');
    await first.ended;
    expect((await runtime('ping')).status).toBe(1);
    await install('1.1.0');
    const second = serve();
    await serving();
    expect(await workload()).toEqual(before);
    expect(second.log()).toContain(`workload till goes on, pid ${before[1]}`);
  });

  it('starts a workload again that has died', async () => {
    serve();
    await serving();
    const before = await workload();
    process.kill(Number(before[1]), 'SIGKILL');
    await until('a new workload serves', async () => {
      const now = await workload();
      return now[1] !== '-' && now[1] !== before[1] && (await runtime('ping')).status === 0;
    });
  });

  it('does not call itself healthy while a workload does not answer', async () => {
    serve();
    await serving();
    const pid = Number((await workload())[1]);
    process.kill(pid, 'SIGSTOP');
    const stopped = await runtime('ping');
    process.kill(pid, 'SIGCONT');
    expect(stopped).toMatchObject({ status: 1, out: expect.stringContaining('till does not answer') });
    await serving();
  });

  it('dies with a fatal line some seconds after its start when it is the bad build, and leaves the workload alone', async () => {
    serve();
    await serving();
    const before = await workload();
    daemons[0]?.kill('SIGTERM');
    await install('1.3.0', '1');
    const bad = serve();
    expect(await bad.ended).toBe(1);
    expect(bad.log()).toMatch(/level=fatal/);
    expect(await workload()).toEqual(before);
  });

  it('dies on a node that only the older version gets on with', async () => {
    await writeFile(join(root, 'etc', 'lab-runtime', 'incompatible'), '1 1.0.0\n');
    const old = serve();
    await serving();
    old.child.kill('SIGTERM');
    await old.ended;
    await install('1.1.0');
    expect(await serve().ended).toBe(1);
  });
});
