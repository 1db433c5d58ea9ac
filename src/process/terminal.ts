import { EdgectlError } from '../errors/error.js';
import { debianPackages } from './packages.js';

/** Give the terminal to a program until it ends; answers its exit status, 128 + the signal's number as shells do. Throws TOOL_MISSING. */
export async function runOnTerminal(argv: readonly [string, ...string[]]): Promise<number> {
  const [program, ...args] = argv;
  const [{ execa }, { constants }] = await Promise.all([import('execa'), import('node:os')]);
  const result = await execa(program, args, { reject: false, stdio: 'inherit', buffer: false });
  if (result.failed && result.code === 'ENOENT') {
    const pkg = debianPackages[program];
    throw new EdgectlError('TOOL_MISSING', {
      message: `${program} is not installed here.`,
      ...(pkg === undefined ? {} : { hint: `apt-get install ${pkg}` }),
    });
  }
  if (result.exitCode !== undefined) return result.exitCode;
  return 128 + (result.signal === undefined ? 0 : constants.signals[result.signal]);
}
