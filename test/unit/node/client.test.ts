import { describe, expect, it } from 'vitest';
import { createNodeClient } from '../../../src/node/client.js';
import type { KitCall } from '../../../src/node/types.js';
import { fail } from '../../../src/transport/failure.js';
import type { Target } from '../../../src/transport/types.js';
import { fakeTransport, type FakeAnswer, type FakeCommand } from '../../helpers/fake-transport.js';

const ok = '{"t":"hello","kit":"1"}\n{"t":"end","ok":true}\n';
const hello: KitCall = { verb: 'hello', fields: {}, timeoutMs: 1000 };
const run: KitCall = { verb: 'run', fields: { run: 'r', step: 's' }, timeoutMs: 1000 };

function setUp(answer: FakeAnswer | ((command: FakeCommand) => FakeAnswer), user = 'edgectl') {
  const transport = fakeTransport(typeof answer === 'function' ? answer : () => answer);
  const target = (nodeId: string): Target => ({ nodeId, host: nodeId, port: 22, user, identityFiles: [] });
  const bundles = {
    async *read(digest: string, offset: number, size = 0) {
      yield Buffer.from(`${digest}:${offset}:${size}`);
    },
  };
  return { transport, client: createNodeClient({ transport, bundles, target }) };
}

describe('a call to the kit', () => {
  it('goes through sudo without a prompt, unless the login is root', async () => {
    const { transport, client } = setUp({ stdout: ok });
    await client.call('n1', hello);
    const root = setUp({ stdout: ok }, 'root');
    await root.client.call('n1', hello);
    expect(transport.commands[0]?.argv).toEqual(['sudo', '-n', '/usr/local/sbin/edgectl-node', 'hello']);
    expect(root.transport.commands[0]?.argv).toEqual(['/usr/local/sbin/edgectl-node', 'hello']);
  });

  it('sends the request and, behind it, the bytes of the bundle', async () => {
    const { transport, client } = setUp({ stdout: ok });
    await client.call('n1', {
      verb: 'stage',
      fields: { op: 'put' },
      payload: { bundle: 'd', offset: 5, size: 9 },
      timeoutMs: 1,
    });
    expect(transport.commands[0]?.stdin.toString()).toBe('op=put\n.\nd:5:9');
  });

  it('asks for a fresh connection only when the call says so, and gives every session back', async () => {
    const { transport, client } = setUp({ stdout: ok });
    await client.call('n1', hello);
    await client.call('n1', { ...hello, verb: 'confirm', fresh: true });
    expect(transport.commands.map((command) => command.fresh)).toEqual([false, true]);
    expect(transport.open).toBe(0);
  });

  it('returns the kit’s refusal with its code', async () => {
    const { client } = setUp({ status: 4, stdout: '{"t":"end","ok":false,"code":"VETO","reason":"till open"}\n' });
    expect(await client.call('n1', run)).toEqual({ kind: 'refused', code: 'VETO', reason: 'till open', lines: [] });
  });

  it.each([
    ['sent', run, true, true],
    ['not sent', run, false, false],
    ['sent, but reading only', hello, true, false],
  ])('knows whether the node may have acted when the answer is lost: %s', async (_name, call, sent, mayHaveActed) => {
    const { client } = setUp(fail('closed', 'gone', sent));
    expect(await client.call('n1', call)).toMatchObject({
      kind: 'unreachable',
      mayHaveActed,
      failure: { kind: 'closed' },
    });
  });

  it('is in doubt when a changing verb answers something else than the protocol', async () => {
    const { client } = setUp({
      status: 1,
      stdout: 'This account is currently not available.\n',
      stderr: '\u001b[31mbye',
    });
    const answer = await client.call('n1', run);
    expect(answer).toMatchObject({ kind: 'protocol', mayHaveActed: true });
    expect(answer.kind === 'protocol' && answer.message).toContain('\\x1b[31mbye');
  });

  it('does not read a truncated answer', async () => {
    const { client } = setUp({ stdout: ok, truncated: true });
    expect(await client.call('n1', hello)).toMatchObject({ kind: 'protocol', mayHaveActed: false });
  });

  it.each([
    ['root', 127, 'sh: 1: /usr/local/sbin/edgectl-node: not found', 'NO_KIT'],
    ['root', 126, 'bash: /usr/local/sbin/edgectl-node: Permission denied', 'NO_KIT'],
    ['edgectl', 1, 'sudo: /usr/local/sbin/edgectl-node: command not found', 'NO_KIT'],
    ['edgectl', 1, 'sudo: unable to execute /usr/local/sbin/edgectl-node: Permission denied', 'NO_KIT'],
    ['edgectl', 1, 'sudo: a password is required', 'SUDO_PASSWORD'],
    ['edgectl', 1, 'sudo: sorry, you must have a tty to run sudo', 'SUDO_TTY'],
    ['edgectl', 1, 'sudo: Ein Passwort ist notwendig', 'NO_SUDO'],
    ['edgectl', 1, 'Sorry, user edgectl is not allowed to execute x as root on n1.', 'NO_SUDO'],
    [
      'edgectl',
      1,
      'sudo: unable to resolve host n1: Name or service not known\nsudo: a password is required',
      'SUDO_PASSWORD',
    ],
    [
      'edgectl',
      1,
      'sudo: unable to resolve host n1: x\nsudo: /usr/local/sbin/edgectl-node: command not found',
      'NO_KIT',
    ],
    ['edgectl', 127, 'sh: 1: sudo: not found', 'NO_SUDO'],
  ])('tells as %s, status %i, "%s": %s', async (user, status, stderr, code) => {
    const { client } = setUp({ status, stderr }, user);
    expect(await client.call('n1', run)).toMatchObject({ kind: 'refused', code });
  });

  it('does not take an error of the kit itself for a missing kit', async () => {
    const { client } = setUp({ status: 2, stderr: 'edgectl-node: syntax error' });
    expect(await client.call('n1', run)).toMatchObject({ kind: 'protocol', mayHaveActed: true });
  });
});

describe('a script at first contact', () => {
  it('is piped to a shell, as root only when asked', async () => {
    const { transport, client } = setUp({ stdout: ok });
    await client.runScript('n1', 'main', { sudo: false, timeoutMs: 1, changing: false });
    await client.runScript('n1', 'main', { sudo: true, timeoutMs: 1, changing: true });
    expect(transport.commands.map(({ argv, stdin }) => [argv.join(' '), stdin.toString()])).toEqual([
      ['sh -s', 'main'],
      ['sudo -n sh -s', 'main'],
    ]);
  });
});
