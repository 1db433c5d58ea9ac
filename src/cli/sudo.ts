import { resolve } from 'node:path';
import { EdgectlError } from '../errors/error.js';
import type { SudoPassword } from '../node/sudo.js';
import type { Io } from './io.js';

/** The flags of `sudoFlags`, as they were given. */
export interface SudoFlags {
  'ask-sudo-password'?: boolean;
  'sudo-password-file'?: string | undefined;
}

/**
 * The password for sudo that these flags lead to; undefined when none was asked for. Throws SUDO_PASSWORD_INPUT, CANCELLED, and
 * CONFIRMATION_NEEDED when there is no terminal to ask on.
 */
export async function sudoPasswordOf(
  flags: SudoFlags,
  from: { io: Io; signal: AbortSignal },
): Promise<SudoPassword | undefined> {
  const file = flags['sudo-password-file'];
  if (file === undefined && flags['ask-sudo-password'] !== true) return undefined;
  const [{ SudoPassword: Password }, { readPasswordFile, passwordOf }, { Sensitive }, { randomBytes }] =
    await Promise.all([
      import('../node/sudo.js'),
      import('../seal/password-file.js'),
      import('../seal/sensitive.js'),
      import('node:crypto'),
    ]);
  const mark = (): string => randomBytes(24).toString('hex');
  const { io, signal } = from;
  if (file !== undefined) return new Password(await readPasswordFile(resolve(io.cwd, file), process.getuid?.()), mark);
  if (!io.isTTY)
    throw new EdgectlError('CONFIRMATION_NEEDED', {
      message: 'There is no terminal to ask for the sudo password on.',
      hint: 'use --sudo-password-file FILE',
    });
  const { askHidden } = await import('../render/prompts.js');
  const streams = { input: io.stdin, output: io.stderr, signal };
  const typed = await askHidden('Password for sudo on the nodes:', streams);
  if (typed === undefined) throw new EdgectlError('CANCELLED', { message: 'No password was given; nothing was done.' });
  return new Password(new Sensitive(passwordOf(Buffer.from(typed), 'The answer')), mark);
}
