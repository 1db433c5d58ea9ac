import { execFileSync, spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { root, runCli } from '../../helpers/cli.js';
import { requires } from '../../helpers/requires.js';
import { freePort, makeKey, startSshd, type TestSshd } from '../../helpers/sshd.js';

interface Found {
  id: string;
  state: 'ok' | 'warn' | 'bad' | 'skipped';
  detail: string;
  hint?: string;
}

const fleetId = '01JQZ0000000000000000TEST0';

describe.skipIf(requires('ssh-keygen', 'ssh-agent', 'ssh', 'sshd').skip)('edgectl doctor', () => {
  let home: string;
  let env: Record<string, string>;
  const cleanUps: (() => unknown)[] = [];

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'edgectl-doctor-'));
    cleanUps.push(() => rm(home, { recursive: true, force: true }));
    env = {
      HOME: home,
      USER: 'anna',
      PATH: `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`,
      EDGECTL_FLEET: join(home, 'fleet'),
    };
    await mkdir(join(home, 'bin'));
    await mkdir(join(home, '.ssh'));
    const program = join(home, 'bin', 'edgectl');
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${root}bin/run.js' "$@"\n`, { mode: 0o755 });
    await mkdir(join(home, 'fleet', 'trust'), { recursive: true });
    makeKey(join(home, '.ssh', 'id'));
    await fleet({ identity: '~/.ssh/id' });
    await writeFile(join(home, 'fleet', 'known_hosts'), `n1 ${makeKey(join(home, 'host')).line}\n`);
    await runCli(['keys', 'init'], { env });
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  const fleet = (node: object, more: object = {}) =>
    writeFile(
      join(home, 'fleet', 'fleet.yaml'),
      stringify({ id: fleetId, name: 'test', ...more, nodes: { n1: { address: '127.0.0.1', ...node } } }),
    );
  const doctor = async (...argv: string[]) => {
    const { exitCode, stdout } = await runCli(['doctor', '--json', ...argv], { env });
    const { checks } = (JSON.parse(stdout) as { result: { checks: Found[] } }).result;
    const ill = checks.filter(({ state }) => state === 'bad' || state === 'warn');
    // Whether a clock is set by NTP is this machine's affair.
    return { exitCode, checks, ill: ill.filter(({ id, state }) => id !== 'clock' || state === 'bad') };
  };
  /** The one finding; its hint is then typed, and the doctor must be content. */
  const mend = async (id: string, state: 'bad' | 'warn', hint: RegExp): Promise<Found> => {
    const { exitCode, ill } = await doctor();
    expect(ill.map((found) => [found.id, found.state])).toEqual([[id, state]]);
    expect(exitCode).toBe(state === 'bad' ? 1 : 0);
    const [found] = ill;
    expect(found?.hint).toMatch(hint);
    execFileSync('sh', ['-euc', found?.hint ?? 'false'], { env, stdio: 'ignore' });
    expect((await doctor()).ill).toEqual([]);
    return found as Found;
  };

  it('finds nothing on a computer that is ready, and says so', async () => {
    const { exitCode, ill, checks } = await doctor();
    expect([exitCode, ill]).toEqual([0, []]);
    expect(checks.map(({ id }) => id)).toEqual([
      'node.js',
      'ssh-keygen',
      'settings',
      'fleet',
      'ssh',
      'signing-key',
      'agent',
      'login-keys',
      'known-hosts',
      'journal',
      'clock',
      'disk',
      'bastions',
    ]);
    const { stdout } = await runCli(['doctor'], { env });
    expect(stdout).toContain('This computer is ready');
  });

  it('can be run where there is no fleet, and says how to begin', async () => {
    env['EDGECTL_FLEET'] = home;
    const { exitCode, ill, checks } = await doctor();
    expect(exitCode).toBe(0);
    expect(ill).toMatchObject([{ id: 'fleet', state: 'warn', hint: 'edgectl init, or --fleet DIR' }]);
    expect(checks.filter(({ state }) => state === 'skipped').map(({ id }) => id)).toContain('journal');
  });

  it('mends a signing key that others can read', async () => {
    await chmod(join(home, '.config/edgectl/keys', fleetId, 'signing'), 0o644);
    await mend('signing-key', 'bad', /^chmod 600 /);
  });

  it('mends a signing key that the fleet does not allow', async () => {
    await rm(join(home, 'fleet/trust/allowed_signers'));
    await rm(join(home, 'fleet/keys'), { recursive: true });
    await mend('signing-key', 'bad', /^edgectl keys add .*signing\.pub --principal anna@test$/);
  });

  it('makes the signing key that is not there', async () => {
    await rm(join(home, '.config'), { recursive: true });
    await rm(join(home, 'fleet/keys'), { recursive: true });
    await mend('signing-key', 'warn', /^edgectl keys init$/);
  });

  it('mends a login key that others can read', async () => {
    await chmod(join(home, '.ssh/id'), 0o640);
    await mend('login-keys', 'bad', /^chmod 600 .*\.ssh\/id$/);
  });

  it('names a login key that is not there, and the agent that would have to hold it', async () => {
    await fleet({ identity: '~/.ssh/other' });
    expect((await doctor()).ill).toMatchObject([{ id: 'login-keys', state: 'bad' }]);
    await fleet({});
    const { ill } = await doctor();
    expect(ill).toMatchObject([{ id: 'login-keys', hint: 'eval "$(ssh-agent -s)" && ssh-add' }]);
  });

  it('wants a key with a passphrase in an agent, and is content when it is there', async () => {
    const locked = makeKey(join(home, '.ssh', 'locked'), 'ed25519', 'secret');
    await fleet({ identity: '~/.ssh/locked' });
    const agent = await startAgent();
    const { ill } = await doctor();
    expect(ill).toMatchObject([{ id: 'login-keys', state: 'bad', hint: `ssh-add ${locked.path}` }]);
    const askpass = join(home, 'askpass');
    await writeFile(askpass, '#!/bin/sh\necho secret\n', { mode: 0o755 });
    execFileSync('sh', ['-euc', ill[0]?.hint ?? 'false'], {
      env: { ...env, SSH_AUTH_SOCK: agent, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' },
      stdio: 'ignore',
    });
    expect((await doctor()).ill).toEqual([]);
  });

  it('tells an agent that is gone', async () => {
    env['SSH_AUTH_SOCK'] = join(home, 'gone.sock');
    expect((await doctor()).ill).toMatchObject([
      { id: 'agent', state: 'bad', hint: 'eval "$(ssh-agent -s)" && ssh-add' },
    ]);
  });

  it('mends a line of known_hosts that cannot be read', async () => {
    const file = join(home, 'fleet/known_hosts');
    await writeFile(file, `# ours\nn1 ssh-ed25519 torn\n${await readFile(file, 'utf8')}`);
    const { detail } = await mend('known-hosts', 'bad', /^sed -i 2d /);
    expect(detail).toContain('known_hosts:2 cannot be read');
  });

  it('pins the node that nobody has trusted yet', async () => {
    const sshd = await serve();
    await fleet({ identity: '~/.ssh/id', port: sshd.port });
    await writeFile(join(home, 'fleet/known_hosts'), '');
    const { ill } = await doctor();
    expect(ill).toMatchObject([{ id: 'known-hosts', state: 'warn', hint: 'edgectl node trust --all' }]);
    execFileSync('sh', ['-euc', `${ill[0]?.hint ?? ''} --yes`], { env, stdio: 'ignore' });
    expect((await doctor()).ill).toEqual([]);
  });

  it('mends a journal that is damaged, and one that others can read', async () => {
    const dir = join(home, '.local/state/edgectl', fleetId);
    await runCli(['run', 'list'], { env });
    await chmod(dir, 0o755);
    await mend('journal', 'warn', /^chmod 700 /);
    await writeFile(join(dir, 'journal.db'), 'not a database, and long enough to be looked at'.repeat(100));
    for (const tail of ['-wal', '-shm']) await rm(join(dir, `journal.db${tail}`), { force: true });
    await mend('journal', 'bad', /^edgectl journal rebuild$/);
  });

  it('tells a clock that is behind what was written before', async () => {
    const tomorrow = Date.now() / 1000 + 86_400;
    await utimes(join(home, 'fleet/fleet.yaml'), tomorrow, tomorrow);
    const { ill } = await doctor();
    expect(ill).toMatchObject([{ id: 'clock', state: 'bad' }]);
    await utimes(join(home, 'fleet/fleet.yaml'), new Date(), new Date());
    expect((await doctor()).ill).toEqual([]);
  });

  it('names the settings file, the fleet file, and the key in it that is wrong', async () => {
    await writeFile(join(home, 'fleet/edgectl.yaml'), 'defaults: { output: 7 }\nnonsense: 1\n');
    const { exitCode, stderr } = await runCli(['doctor'], { env });
    // Every command reads the settings first, this one too.
    expect([exitCode, stderr.includes('nonsense')]).toEqual([64, true]);
    await rm(join(home, 'fleet/edgectl.yaml'));
    await fleet({ identity: '~/.ssh/id', colour: 'red' });
    const { ill } = await doctor();
    expect(ill).toMatchObject([{ id: 'fleet', state: 'bad' }]);
    expect(ill[0]?.detail).toMatch(/fleet\.yaml:\d+:\d+.*colour/);
  });

  it('names the program that is not installed, and the package that has it', async () => {
    const bin = join(home, 'few');
    await mkdir(bin);
    for (const program of ['ssh', 'sh']) {
      await symlink(
        execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim(),
        join(bin, program),
      );
    }
    env['PATH'] = bin;
    const found = await doctor();
    expect(found.ill[0]).toMatchObject({ id: 'ssh-keygen', state: 'bad', hint: 'apt-get install openssh-client' });
    expect(found.exitCode).toBe(1);
    // What cannot be looked at without it is not called broken.
    expect(found.ill).toHaveLength(1);
  });

  it.skipIf(requires('root', 'loop').skip)('tells a disk that has no room for a run', async () => {
    const state = join(home, 'small');
    await mkdir(state);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', state]);
    cleanUps.push(() => execFileSync('umount', [state]));
    env['XDG_STATE_HOME'] = state;
    const { exitCode, ill } = await doctor();
    expect(exitCode).toBe(1);
    expect(ill).toMatchObject([{ id: 'disk', state: 'bad', detail: `only 8 MiB are free for ${state}` }]);
    execFileSync('sh', ['-euc', (ill[0]?.hint ?? '').replace('free space: ', '')], { stdio: 'ignore' });
  });

  describe('with a bastion', () => {
    const through = async (sshd: { port: number }, more: object = {}) => {
      await fleet(
        { identity: '~/.ssh/id', via: 'hop' },
        {
          bastions: {
            hop: {
              address: '127.0.0.1',
              port: sshd.port,
              identity: '~/.ssh/id',
              user: process.env['USER'] ?? 'root',
              ...more,
            },
          },
        },
      );
    };
    const pin = async (sshd: TestSshd) => {
      const file = join(home, 'fleet/known_hosts');
      await writeFile(file, `${await readFile(file, 'utf8')}hop ${sshd.hostKeys[0]?.line}\n`);
    };

    it('logs in and counts the files that its sshd may open', async () => {
      const sshd = await serve();
      await through(sshd, { user: sshd.user });
      await pin(sshd);
      const { exitCode, ill, checks } = await doctor();
      expect([exitCode, ill]).toEqual([0, []]);
      expect(checks.at(-1)?.detail).toMatch(/^hop: logged in, room for \d+ connections$/);
    });

    it('ends with 3 when it is out of reach, and leaves it alone under --offline', async () => {
      const sshd = await serve();
      await pin(sshd);
      await through({ port: await freePort() });
      expect(await doctor()).toMatchObject({ exitCode: 3, ill: [{ id: 'bastions', state: 'bad' }] });
      expect(await doctor('--offline')).toMatchObject({ exitCode: 0, ill: [] });
    });

    it('ends with 4 when it refuses the key', async () => {
      const sshd = await startSshd();
      cleanUps.push(() => sshd.stop());
      await through(sshd, { user: sshd.user });
      await pin(sshd);
      const { exitCode, ill } = await doctor();
      expect([exitCode, ill.map(({ id }) => id)]).toEqual([4, ['bastions']]);
      expect(ill[0]?.hint).toContain('ssh-add, or identity of bastions.hop');
    });
  });

  async function serve(): Promise<TestSshd> {
    const own = (await readFile(join(home, '.ssh/id.pub'), 'utf8')).trim();
    const sshd = await startSshd({ authorized: [own] });
    cleanUps.push(() => sshd.stop());
    return sshd;
  }

  async function startAgent(): Promise<string> {
    const socket = join(home, 'agent.sock');
    const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    cleanUps.push(() => child.kill());
    env['SSH_AUTH_SOCK'] = socket;
    return socket;
  }
});
