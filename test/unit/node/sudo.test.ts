import { describe, expect, it } from 'vitest';
import { SudoPassword, sudoProgramArgv, sudoScriptArgv } from '../../../src/node/sudo.js';
import { fail } from '../../../src/transport/failure.js';
import type { ExecResult } from '../../../src/transport/types.js';

const ended = (status: number, stderr = ''): ExecResult => ({
  ...{ ok: true, status, stdout: Buffer.alloc(0), truncated: false },
  stderr: Buffer.from(stderr),
});
const wrong = ended(1, 'Sorry, try again.\n\nsudo: no password was provided\nsudo: 1 incorrect password attempt\n');

/** Checks that end when the test says so, in the order in which they were begun. */
function desk() {
  const password = new SudoPassword({ reveal: () => Buffer.from('secret') }, () => 'mark');
  const begun: string[] = [];
  const ends = new Map<string, (result: ExecResult) => void>();
  const ask = (node: string) =>
    password.verdict(node, `ops@${node}`, () => {
      begun.push(node);
      return new Promise((resolve) => ends.set(node, resolve));
    });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { password, begun, ask, turn, end: (node: string, result: ExecResult) => ends.get(node)?.(result) };
}

describe('a password for sudo', () => {
  it('is tried by one node alone until it was right, then by all at once', async () => {
    const { ask, begun, turn, end } = desk();
    const [first, second] = [ask('n1'), ask('n2')];
    await turn();
    expect(begun).toEqual(['n1']);
    end('n1', ended(0));
    expect(await first).toEqual({ kind: 'right' });
    await turn();
    const [third, fourth] = [ask('n3'), ask('n4')];
    await turn();
    expect(begun).toEqual(['n1', 'n2', 'n3', 'n4']);
    for (const node of ['n2', 'n3', 'n4']) end(node, ended(0));
    expect(await Promise.all([second, third, fourth])).toEqual(Array.from({ length: 3 }, () => ({ kind: 'right' })));
    // Once right, a node is not asked again.
    expect(await ask('n1')).toEqual({ kind: 'right' });
    expect(begun).toHaveLength(4);
  });

  it('is offered nowhere else after it was wrong', async () => {
    const { ask, begun, turn, end } = desk();
    const [first, second] = [ask('n1'), ask('n2')];
    await turn();
    end('n1', wrong);
    expect([await first, await second]).toEqual([{ kind: 'wrong' }, { kind: 'withheld', node: 'n1' }]);
    expect([await ask('n1'), await ask('n3')]).toEqual([{ kind: 'wrong' }, { kind: 'withheld', node: 'n1' }]);
    expect(begun).toEqual(['n1']);
  });

  it('goes on with the next node when one could not be asked, or says something else', async () => {
    const { ask, begun, turn, end } = desk();
    const waiting = [ask('n1'), ask('n2'), ask('n3')];
    await turn();
    end('n1', fail('closed', 'gone', true));
    await turn();
    end('n2', ended(1, 'sudo: sorry, you must have a tty to run sudo'));
    await turn();
    end('n3', ended(0));
    expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(['other', 'other', 'right']);
    expect(begun).toEqual(['n1', 'n2', 'n3']);
  });

  it('stands on no command line', () => {
    const { password } = desk();
    expect(password.line().toString()).toBe('secret\n');
    for (const argv of [sudoProgramArgv(['kit', 'hello']), sudoScriptArgv(password.mark())])
      expect(argv.join(' ')).not.toContain('secret');
  });
});
