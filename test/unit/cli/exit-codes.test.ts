import { Flags } from '@oclif/core';
import { describe, expect, it } from 'vitest';
import type { CommandResult } from '../../../src/cli/base.js';
import { BaseCommand } from '../../../src/cli/base.js';
import { exitCodes } from '../../../src/cli/exit-codes.js';
import type { ErrorCode } from '../../../src/errors/catalogue.js';
import { catalogue } from '../../../src/errors/catalogue.js';
import { EdgectlError } from '../../../src/errors/error.js';
import { exitPrecedence } from '../../../src/plan/states.js';
import type { CommandClass, InProcess } from '../../helpers/cli.js';
import { runInProcess } from '../../helpers/cli.js';

let outcome: () => Promise<CommandResult>;

class Probe extends BaseCommand<typeof Probe> {
  static override id = 'probe:it';
  static override changing = true;
  static override flags = { size: Flags.integer({ min: 1 }) };

  protected async execute(): Promise<CommandResult> {
    return await outcome();
  }
}

const ends = (exitCode: number) => async (): Promise<CommandResult> => ({
  data: { fine: exitCode === 0 },
  exitCode,
  text: () => 'done',
});
const fails = (code: ErrorCode) => async (): Promise<CommandResult> => {
  throw new EdgectlError(code, { message: 'because' });
};
const run = (argv: string[], began?: (signals: NodeJS.EventEmitter) => void): Promise<InProcess> =>
  runInProcess(Probe as unknown as CommandClass, argv, began === undefined ? {} : { began: began as never });

/** An envelope on standard output, and nothing else. */
function envelope(result: InProcess): {
  exitCode: number;
  error?: { code: string; exitCode: number };
  result?: unknown;
  schema: string;
  command: string;
} {
  return JSON.parse(result.stdout);
}

describe('each row of the exit-code table', () => {
  const ways: Record<number, () => Promise<CommandResult>> = {
    0: ends(0),
    1: fails('NODE_FAILED'),
    2: ends(2),
    3: fails('NODE_UNREACHABLE'),
    4: fails('SSH_HOST_KEY_CHANGED'),
    5: ends(5),
    6: ends(6),
    7: ends(7),
    8: fails('PLAN_EXPIRED'),
    9: fails('LEASE_HELD'),
    64: fails('SELECTOR_REQUIRED'),
    130: ends(130),
    143: ends(143),
  };

  it.each(exitCodes.map((row) => [row.code, row.meaning] as const))(
    '%i (%s) is the same with and without --json',
    async (code) => {
      const way = ways[code];
      if (!way) throw new Error(`no way to ${code}`);
      outcome = way;
      const plain = await run([]);
      const json = await run(['--json']);
      expect([plain.exitCode, json.exitCode]).toEqual([code, code]);
      expect(envelope(json).exitCode).toBe(code);
      expect(envelope(json)).toMatchObject({ schema: 'edgectl/v1', command: 'probe it' });
    },
  );

  it('holds every code that an error or a state can end with', () => {
    const documented = new Set(exitCodes.map(({ code }) => code));
    for (const { exitCode } of Object.values(catalogue)) expect(documented).toContain(exitCode);
    for (const code of exitPrecedence) expect(documented).toContain(code);
  });
});

describe('usage', () => {
  it.each([[['--nonsense']], [['--size', '0']], [['--size', 'x']], [['extra']], [['-o', 'xml']], [['--size']]])(
    '%j ends with 64, an envelope under --json and a screen without',
    async (argv) => {
      outcome = ends(0);
      const plain = await run(argv);
      expect(plain).toMatchObject({ exitCode: 64, stdout: '' });
      expect(plain.stderr).toContain('USAGE');
      const json = await run(['--json', ...argv]);
      expect(json).toMatchObject({ exitCode: 64, stderr: '' });
      expect(envelope(json).error).toMatchObject({ code: 'USAGE', exitCode: 64 });
    },
  );
});

describe('errors', () => {
  it('an unknown one is a bug: code INTERNAL, 1, and its stack only with --debug', async () => {
    outcome = async () => {
      throw new TypeError('x is not a function');
    };
    const plain = await run([]);
    expect(plain).toMatchObject({ exitCode: 1, stdout: '' });
    expect(plain.stderr).toContain('INTERNAL');
    expect(plain.stderr).not.toContain('exit-codes.test.ts');
    expect((await run(['--debug'])).stderr).toContain('exit-codes.test.ts');
    expect(envelope(await run(['--json']))).toMatchObject({
      exitCode: 1,
      error: { code: 'INTERNAL', message: 'x is not a function' },
    });
  });

  it('control characters of a message do not reach the terminal', async () => {
    outcome = async () => {
      throw new EdgectlError('NODE_FAILED', { message: 'said \u001B[2J', lines: ['\u001B]0;title\u0007'] });
    };
    // eslint-disable-next-line no-control-regex
    expect((await run([])).stderr).not.toMatch(/[\u001B\u0007]/);
  });
});

describe('signals', () => {
  const never = (): Promise<CommandResult> => new Promise(() => {});

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 143],
  ] as const)('%s ends a command that does not drain with %i, with and without --json', async (signal, code) => {
    outcome = never;
    const strike = (signals: NodeJS.EventEmitter): void => {
      setImmediate(() => signals.emit(signal));
    };
    expect((await run([], strike)).exitCode).toBe(code);
    const json = await run(['--json'], strike);
    expect(json.exitCode).toBe(code);
    expect(envelope(json).error).toMatchObject({ code: 'INTERRUPTED', exitCode: code });
  });
});
