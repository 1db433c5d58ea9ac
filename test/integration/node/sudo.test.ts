import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseFacts } from '../../../src/facts/facts.js';
import { createNodeClient, type NodeClient } from '../../../src/node/client.js';
import { factsScript } from '../../../src/node/prepare-script.js';
import { SudoPassword } from '../../../src/node/sudo.js';
import type { KitAnswer, KitCall } from '../../../src/node/types.js';
import { Sensitive } from '../../../src/seal/sensitive.js';
import type { Target } from '../../../src/transport/types.js';
import { root, runCli } from '../../helpers/cli.js';
import { writeFleet } from '../../helpers/fleet-repo.js';
import { requires } from '../../helpers/requires.js';
import { sudoMachine, type SudoMachine } from '../../helpers/sudo-machine.js';
import { pinOf, TransportBench, transportKinds } from '../../helpers/transports.js';
import { until } from '../../helpers/until.js';

const need = requires('root', 'sshd', 'ssh', 'sudo', 'unshare', 'openssl');
const right = "pass'word $(id) \\ ü";
const all = 'operator ALL=(ALL) ALL';
const hello: KitCall = { verb: 'hello', fields: {}, timeoutMs: 60_000 };

describe.skipIf(need.skip).each(transportKinds)('sudo that asks for a password, over %s', (kind) => {
  const bench = new TransportBench(kind);
  let machine: SudoMachine;
  beforeAll(async () => {
    machine = await sudoMachine(right);
  });
  afterAll(() => machine.stop());
  afterEach(() => bench.close());

  const client = (password?: string): NodeClient => {
    const { sshd, user } = machine;
    const names = ['n1', 'n2', 'n3'];
    return createNodeClient({
      transport: bench.make(names.map((name) => pinOf(name, sshd)).join('')),
      target: (nodeId): Target => ({
        nodeId,
        host: '127.0.0.1',
        port: sshd.port,
        user,
        identityFiles: [sshd.userKey.path],
      }),
      ...(password === undefined ? {} : { sudo: secret(password) }),
    });
  };
  const secret = (text: string): SudoPassword =>
    new SudoPassword(new Sensitive(Buffer.from(text)), () => 'mark-that-no-password-is');
  const script = async (by: NodeClient, node = 'n1'): Promise<KitAnswer> =>
    by.runScript(node, await factsScript(), { sudo: true, changing: true, timeoutMs: 60_000 });
  const privilege = (answer: KitAnswer): unknown =>
    answer.kind === 'ok' ? parseFacts(answer.lines, { kit: false, now: 0 }).privilege : answer;

  it.each([
    ['with the usual lecture', ['Defaults lecture=always', all]],
    ['where no password is asked for', ['operator ALL=(ALL) NOPASSWD: ALL']],
    ['that insults', ['Defaults insults', all]],
    [
      'that asks for the script and not for the kit',
      [all, 'operator ALL=(root) NOPASSWD: /usr/local/sbin/edgectl-node hello'],
    ],
  ])('runs a script and the kit as root: %s', async (_name, rules) => {
    machine.sudoers('Defaults env_reset', ...rules);
    const by = client(right);
    expect(privilege(await script(by))).toBe('root');
    expect(await by.call('n1', hello)).toMatchObject({ kind: 'ok', lines: [{ t: 'hello', node: 'n1' }] });
    // What is known of the node is used the second time.
    expect(privilege(await script(by))).toBe('root');
    expect((await by.call('n1', { ...hello, fresh: true })).kind).toBe('ok');
  });

  it('runs the kit where the rules name nothing else', async () => {
    machine.sudoers('Defaults env_reset', 'operator ALL=(root) /usr/local/sbin/edgectl-node hello');
    const by = client(right);
    expect(await by.call('n1', hello)).toMatchObject({ kind: 'ok' });
    expect(await script(by)).toMatchObject({ kind: 'refused', code: 'NO_SUDO' });
  });

  it('tells no password, no right, no terminal and a wrong password apart', async () => {
    machine.sudoers('Defaults env_reset', all);
    expect(await client().call('n1', hello)).toMatchObject({ kind: 'refused', code: 'SUDO_PASSWORD' });
    expect(await client('wrong').call('n1', hello)).toMatchObject({ kind: 'refused', code: 'SUDO_WRONG_PASSWORD' });
    machine.sudoers('Defaults env_reset', 'root ALL=(ALL) ALL');
    expect(await client(right).call('n1', hello)).toMatchObject({ kind: 'refused', code: 'NO_SUDO' });
    machine.sudoers('Defaults env_reset', 'Defaults requiretty', all);
    const wanting = await client(right).call('n1', hello);
    expect(wanting).toMatchObject({ kind: 'refused', code: 'SUDO_TTY' });
    expect(wanting.kind === 'refused' && wanting.reason).toContain('!requiretty');
  });

  it('locks no account: a wrong password is tried once, by one node of the fleet', async () => {
    machine.sudoers('Defaults env_reset', all);
    const tally = join(machine.scratch, kind);
    const lock = `deny=3 unlock_time=0 dir=${tally}`;
    machine.pam(
      `auth required pam_faillock.so preauth ${lock}`,
      'auth sufficient pam_unix.so nodelay',
      `auth [default=die] pam_faillock.so authfail ${lock}`,
      'account required pam_permit.so',
      'session required pam_permit.so',
    );
    const by = client('wrong');
    const answers = await Promise.all(['n1', 'n2', 'n3'].map((node) => by.call(node, hello)));
    const codes = answers.map((answer) => answer.kind === 'refused' && answer.code).sort();
    expect(codes).toEqual(['SUDO_PASSWORD', 'SUDO_PASSWORD', 'SUDO_WRONG_PASSWORD']);
    for (const node of ['n1', 'n2', 'n3']) expect(await script(by, node)).toMatchObject({ kind: 'refused' });
    expect(readdirSync(tally)).toEqual(['operator']);
    // faillock counts the question that nobody answered, too; records of 64 bytes (pam_faillock's faillock.h).
    const counted = readFileSync(join(tally, 'operator')).length / 64;
    expect(counted).toBeGreaterThanOrEqual(1);
    expect(counted).toBeLessThan(3);
    expect(privilege(await script(client(right)))).toBe('root');
  });

  it('feeds the password to nothing but sudo: a script that gets it by mistake drops it', async () => {
    machine.sudoers('Defaults env_reset', all);
    const by = client(right);
    expect(privilege(await script(by))).toBe('root');
    machine.sudoers('Defaults env_reset', 'operator ALL=(ALL) NOPASSWD: ALL');
    const answer = await by.runScript('n1', 'cat /proc/$$/cmdline | tr "\\0" " " >&2; exit 3', {
      sudo: true,
      changing: true,
      timeoutMs: 60_000,
    });
    expect(answer.kind).toBe('protocol');
    const said = answer.kind === 'protocol' ? answer.message : '';
    expect(said).toContain('sh -s');
    expect(said).not.toContain('pass');
    // The kit refuses the line that it does not know, and is asked without it the next time.
    machine.sudoers('Defaults env_reset', all);
    expect((await by.call('n1', hello)).kind).toBe('ok');
    machine.sudoers('Defaults env_reset', 'operator ALL=(ALL) NOPASSWD: ALL');
    expect(JSON.stringify(await by.call('n1', hello))).not.toContain('pass');
    expect((await by.call('n1', hello)).kind).toBe('ok');
  });
});

describe.skipIf(need.skip)('the password for sudo on the command line', () => {
  let machine: SudoMachine;
  let fleet: string;
  let env: Record<string, string>;
  beforeAll(async () => {
    machine = await sudoMachine(right);
    machine.sudoers('Defaults env_reset', all);
    const { sshd, user } = machine;
    fleet = writeFleet({ n1: { address: '127.0.0.1', port: sshd.port, user, identity: [sshd.userKey.path] } });
    writeFileSync(join(fleet, 'known_hosts'), pinOf('n1', sshd));
    env = { HOME: fleet, EDGECTL_FLEET: fleet, XDG_STATE_HOME: join(fleet, 'state') };
  });
  afterAll(async () => {
    await machine.stop();
    rmSync(fleet, { recursive: true, force: true });
  });
  const file = (text: string, mode = 0o600): string => {
    const path = join(fleet, 'password');
    rmSync(path, { force: true });
    writeFileSync(path, text, { mode });
    return path;
  };
  const facts = (...argv: string[]) => runCli(['node', 'facts', 'n1', '--json', ...argv], { env });

  it('comes from a file of one line that nobody else may read', async () => {
    const good = await facts('--sudo-password-file', file(`${right}\n`));
    expect(JSON.parse(good.stdout)).toMatchObject({ result: { nodes: [{ id: 'n1', kit: true }] } });
    expect(good.stdout + good.stderr).not.toContain('pass');
    const cases = [file(`${right}\n`, 0o640), join(fleet, 'absent'), fleet];
    for (const path of cases) {
      const refused = await facts('--sudo-password-file', path);
      expect([refused.exitCode, JSON.parse(refused.stdout).error.code]).toEqual([64, 'SUDO_PASSWORD_INPUT']);
    }
    for (const text of ['', '\n', 'one\ntwo\n', 'x'.repeat(2000)]) {
      const refused = await facts('--sudo-password-file', file(text));
      expect([refused.exitCode, JSON.parse(refused.stdout).error.code]).toEqual([64, 'SUDO_PASSWORD_INPUT']);
    }
  });

  it('is said to be wrong by its own code, with the next step', async () => {
    const path = file('no such word\n');
    const outcome = await runCli(['node', 'doctor', 'n1', '--json', '--sudo-password-file', path], { env });
    expect(outcome.exitCode).toBe(4);
    const checks = JSON.parse(outcome.stdout).result.checks as { id: string; state: string; hint?: string }[];
    expect(checks.find(({ id }) => id === 'sudo')).toMatchObject({
      state: 'bad',
      hint: expect.stringContaining('once'),
    });
    expect(outcome.stdout).not.toContain('no such word');
  });

  it('is asked for on a terminal, and only there', async () => {
    const blind = await facts('--ask-sudo-password');
    expect([blind.exitCode, JSON.parse(blind.stdout).error.hint]).toEqual([64, 'use --sudo-password-file FILE']);
    const command = `'${process.execPath}' '${root}bin/run.js' node facts n1 --ask-sudo-password`;
    const child = spawn('script', ['-qec', command, '/dev/null'], { env: { PATH: process.env['PATH'], ...env } });
    let screen = '';
    child.stdout.on('data', (chunk: Buffer) => (screen += chunk.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    await until('it asks', () => screen.includes('Password for sudo on the nodes'));
    child.stdin.write(`${right}\r`);
    expect(await ended, screen).toBe(0);
    expect(screen).toContain('n1');
    expect(screen).not.toContain("pass'word");
  });
});
