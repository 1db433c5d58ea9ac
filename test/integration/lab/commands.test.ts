import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadFleet } from '../../../src/fleet/load.js';
import type { Fleet } from '../../../src/fleet/types.js';
import { processStartTime } from '../../../src/lab/daemon-process.js';
import { findStrays } from '../../../src/lab/strays.js';
import { openNodes, type OpenNodes } from '../../../src/node/open.js';
import type { KitAnswer } from '../../../src/node/types.js';
import { runCli } from '../../helpers/cli.js';
import { requires } from '../../helpers/requires.js';
import { until } from '../../helpers/until.js';

const need = requires('ssh-keygen');
let home: string;
let lab: string;
let env: Record<string, string>;

async function edgectl(...argv: string[]): Promise<{ exitCode: number; envelope: Envelope }> {
  const { exitCode, stdout } = await runCli([...argv, '--json'], { env });
  return { exitCode, envelope: JSON.parse(stdout) as Envelope };
}
interface Envelope {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  result?: any;
  error?: { code: string; message: string };
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'lab-cmd-'));
  lab = join(home, 'lab');
  env = {
    HOME: home,
    XDG_STATE_HOME: join(home, 'state'),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_CONFIG_HOME: join(home, 'config'),
    EDGECTL_LAB_DIR: lab,
  };
});
afterAll(async () => {
  await runCli(['lab', 'down'], { env });
  await rm(home, { recursive: true, force: true });
});

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

describe.skipIf(need.skip)('edgectl lab', () => {
  let fleet: Fleet;
  let nodes: OpenNodes;
  let daemon: number;

  const hello = (node: string): Promise<KitAnswer> =>
    nodes.client.call(node, { verb: 'hello', fields: {}, timeoutMs: 10_000, fresh: true });
  const bootOf = async (node: string): Promise<unknown> => {
    const answer = await hello(node);
    return answer.kind === 'ok' ? answer.lines.find((line) => line.t === 'hello')?.['boot'] : answer;
  };
  const workload = (node: string): Promise<string> =>
    readFile(join(lab, 'nodes', node, 'run/lab-runtime/till.pid'), 'utf8');

  beforeAll(async () => {
    const { exitCode, envelope } = await edgectl('lab', 'up', '--nodes', '5', '--sites', '2');
    expect(exitCode, JSON.stringify(envelope)).toBe(0);
    daemon = envelope.result.pid as number;
    fleet = await loadFleet(join(lab, 'fleet'), { env });
    nodes = openNodes(fleet, { env: { HOME: home }, limits: { handshakeMs: 2000 } });
  });
  afterAll(async () => {
    await nodes.close();
  });

  it('comes up as a fleet repository whose nodes answer the real kit protocol over SSH', async () => {
    expect(fleet.nodes).toHaveLength(5);
    expect(new Set(fleet.nodes.map((node) => node.site)).size).toBe(2);
    for (const node of fleet.nodes) {
      const answer = await hello(node.id);
      expect(answer).toMatchObject({
        kind: 'ok',
        lines: [{ t: 'hello', node: node.id, fleet: fleet.id }],
      });
    }
  });

  it('answers OpenSSH as well, with the host key that the fleet repository pins', async () => {
    const [node] = fleet.nodes;
    if (!node) throw new Error('no node');
    const known = [
      '-o',
      `UserKnownHostsFile=${fleet.knownHostsFile}`,
      '-o',
      `HostKeyAlias=${node.id}`,
      '-o',
      'StrictHostKeyChecking=yes',
    ];
    const login = [
      '-F',
      '/dev/null',
      '-o',
      'BatchMode=yes',
      '-o',
      'IdentityAgent=none',
      '-i',
      join(lab, 'keys', 'lab_ed25519'),
    ];
    const child = spawn('ssh', [
      ...login,
      ...known,
      '-p',
      String(node.port),
      `${node.user}@127.0.0.1`,
      'sudo',
      '-n',
      '/usr/local/sbin/edgectl-node',
      'hello',
    ]);
    child.stdin.end('.\n');
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(out.trim().split('\n').at(-1)).toBe('{"t":"end","ok":true}');
  });

  it('is one at a time in a directory', async () => {
    const { exitCode, envelope } = await edgectl('lab', 'up');
    expect([exitCode, envelope.error?.code]).toEqual([64, 'LAB_EXISTS']);
  });

  it('says that real machines are not what it made, and shows every node', async () => {
    const { stdout } = await runCli(['lab', 'status'], { env });
    expect(stdout).toContain('Sandbox');
    for (const node of fleet.nodes) expect(stdout).toContain(node.id);
  });

  it('refuses connections of a node that is offline, and hangs with one that hangs, until they are healed', async () => {
    const [a, b] = fleet.nodes.map((node) => node.id);
    await edgectl('lab', 'break', a ?? '', '--how', 'offline');
    await edgectl('lab', 'break', b ?? '', '--how', 'hang');
    expect(await hello(a ?? '')).toMatchObject({ kind: 'unreachable', failure: { kind: 'refused', sent: false } });
    expect(await hello(b ?? '')).toMatchObject({ kind: 'unreachable', failure: { kind: 'handshake-timeout' } });
    const { envelope } = await edgectl('lab', 'status');
    const broken = (envelope.result.nodes as { id: string; broken: string[] }[]).filter(
      (node) => node.broken.length > 0,
    );
    expect(broken.map((node) => [node.id, node.broken])).toEqual([
      [a, ['offline']],
      [b, ['hang']],
    ]);
    for (const node of [a, b]) {
      await edgectl('lab', 'heal', node ?? '');
      expect(await hello(node ?? '')).toMatchObject({ kind: 'ok' });
    }
  });

  it('cuts the power: every process dies, and the node boots anew with what was on its disk', async () => {
    const id = fleet.nodes[2]?.id ?? '';
    const [boot, before] = [await bootOf(id), await workload(id)];
    const disk = join(lab, 'nodes', id, 'var', 'kept');
    await writeFile(disk, 'x');
    await edgectl('lab', 'break', id, '--how', 'power-cut');
    expect(await bootOf(id)).not.toEqual(boot);
    await until('a new workload runs', async () => (await workload(id).catch(() => before)) !== before);
    expect(await exists(disk)).toBe(true);
    expect(await processStartTime(Number(before.split(' ')[0]))).toBeUndefined();
  });

  it('marks a node on which any version but the one that runs now will crash, and takes the mark away again', async () => {
    const id = fleet.nodes[3]?.id ?? '';
    const mark = join(lab, 'nodes', id, 'etc', 'lab-runtime', 'incompatible');
    await edgectl('lab', 'break', id, '--how', 'bad-runtime');
    expect(await readFile(mark, 'utf8')).toMatch(/^\d+ 1\.0\.0\n$/);
    await edgectl('lab', 'heal', id);
    expect(await exists(mark)).toBe(false);
  });

  it('does not know a node that is not in it', async () => {
    const { exitCode, envelope } = await edgectl('lab', 'break', 'nobody', '--how', 'hang');
    expect([exitCode, envelope.error?.code]).toEqual([64, 'NODE_NOT_FOUND']);
  });

  it('runs nothing on a node that could change the user’s own computer', async () => {
    const id = fleet.nodes[0]?.id ?? '';
    const run = (argv: string[]) => nodes.client.exec(id, { argv, timeoutMs: 10_000 });
    expect(await run(['touch', join(home, 'touched')])).toMatchObject({ ok: true, status: 126 });
    expect(await run(['uname'])).toMatchObject({ ok: true, status: 0 });
    expect(await exists(join(home, 'touched'))).toBe(false);
  });

  it('goes down without a trace: no process, no file, no key, no bundle', async () => {
    await nodes.close();
    expect(await findStrays(join(lab, 'nodes'))).not.toEqual([]);
    const { exitCode } = await edgectl('lab', 'down');
    expect(exitCode).toBe(0);
    expect(await processStartTime(daemon)).toBeUndefined();
    expect(await findStrays(join(lab, 'nodes'))).toEqual([]);
    expect(await exists(lab)).toBe(false);
    expect(await readdir(join(home, 'config', 'edgectl', 'keys'))).toEqual([]);
    expect(await readdir(join(home, 'data', 'edgectl', 'bundles'))).toEqual([]);
    expect((await edgectl('lab', 'down')).envelope.error?.code).toBe('LAB_NOT_FOUND');
  });
});

describe.skipIf(need.skip)('a lab whose process was killed', () => {
  it('says so, and is taken down with everything that it left running', async () => {
    const { envelope } = await edgectl('lab', 'up', '--nodes', '2');
    process.kill(envelope.result.pid as number, 'SIGKILL');
    await until(
      'the process is gone',
      async () => (await processStartTime(envelope.result.pid as number)) === undefined,
    );
    expect(await findStrays(join(lab, 'nodes'))).not.toEqual([]);
    expect((await edgectl('lab', 'status')).envelope.result).toMatchObject({ running: false, daemon: null });
    expect((await edgectl('lab', 'down')).envelope.result.strays).toBeGreaterThan(0);
    expect(await findStrays(join(lab, 'nodes'))).toEqual([]);
    expect(await exists(lab)).toBe(false);
  });

  it('never takes a directory that has something else in it', async () => {
    const other = join(home, 'other');
    await mkdir(other);
    await writeFile(join(other, 'precious'), '');
    const up = await edgectl('lab', 'up', '--dir', other);
    expect([up.exitCode, up.envelope.error?.code]).toEqual([64, 'USAGE']);
    expect((await edgectl('lab', 'down', '--dir', other)).envelope.error?.code).toBe('LAB_NOT_FOUND');
    expect(await exists(join(other, 'precious'))).toBe(true);
  });
});
