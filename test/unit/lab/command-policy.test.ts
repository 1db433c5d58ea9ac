import { describe, expect, it } from 'vitest';
import { decideExec } from '../../../src/lab/command-policy.js';
import { kitPath } from '../../../src/node/command.js';

describe('what a lab node runs', () => {
  it.each([
    [`${kitPath} hello`, ['hello']],
    [`sudo -n ${kitPath} status`, ['status']],
    [`'sudo' '-n' '--' '${kitPath}' 'run'`, ['run']],
  ])('runs the kit for %s', (command, args) => {
    expect(decideExec(command)).toEqual({ kind: 'kit', args });
  });

  it('runs a program that changes nothing, without a shell', () => {
    expect(decideExec('uname -a')).toEqual({ kind: 'run', argv: ['uname', '-a'] });
  });

  it('runs the script that first contact sends on standard input', () => {
    expect(decideExec('sh -s')).toEqual({ kind: 'run', argv: ['sh', '-s'] });
  });

  it.each([
    'reboot',
    'sudo -n reboot',
    'rm -rf /',
    'sh -c reboot',
    'echo hi; reboot',
    'sudo',
    '',
    `${kitPath}x`,
    'sh -s x',
  ])('refuses %j, because the node is the user’s own computer', (command) => {
    expect(decideExec(command)).toMatchObject({ kind: 'refuse', status: 126 });
  });

  it('names what it refused and what it would run', () => {
    expect(decideExec('reboot')).toMatchObject({ message: expect.stringMatching(/not run: reboot.*uname/s) });
  });
});
