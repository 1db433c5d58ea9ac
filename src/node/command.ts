import type { ExecSuccess } from '../transport/types.js';
import { oneLine } from '../util/escape.js';
import type { KitAnswer, KitCall, KitRefusal } from './types.js';

/** Where the kit is on a prepared node. */
export const kitPath = '/usr/local/sbin/edgectl-node';

/** Can this call change the node? Decides between "unreachable" and "in doubt" when its answer is lost. */
export function isChanging(call: Pick<KitCall, 'verb' | 'fields'>): boolean {
  switch (call.verb) {
    case 'hello':
    case 'facts':
    case 'observe':
    case 'status':
    case 'doctor':
      return false;
    case 'spool':
      return call.fields['op'] === 'ack';
    case 'prepare':
      return !call.fields['mode']?.startsWith('check');
    case 'lease':
      return call.fields['op'] !== 'show';
    case 'secret':
      return call.fields['op'] !== 'status' && call.fields['op'] !== 'audit';
    case 'stage':
      return call.fields['op'] !== 'offer';
    default:
      return true;
  }
}

/** Codes that say: the login may not do this as root. What needs no privilege can still be asked. */
export const noRightCodes: readonly string[] = ['NO_SUDO', 'SUDO_PASSWORD', 'SUDO_WRONG_PASSWORD', 'SUDO_TTY'];

/** Is the node without a kit that this login could run? */
export function isUnprepared(answer: KitAnswer): boolean {
  return answer.kind === 'refused' && (answer.code === 'NO_KIT' || noRightCodes.includes(answer.code));
}

/**
 * Recognise a command that did not run at all: no kit (`NO_KIT`), or no right to it (`NO_SUDO`, `SUDO_PASSWORD`, `SUDO_TTY`). The
 * shell's statuses are POSIX (XCU 2.8.2: 127 not found, 126 not executable); sudo's texts may be translated, so its prefix decides.
 */
export function notRun(result: ExecSuccess, user: string): KitRefusal | undefined {
  if (result.stdout.length > 0 || result.status === 0 || result.status === null) return undefined;
  const said = complaint(result.stderr.toString('utf8'));
  const refuse = (code: string, reason: string): KitRefusal => ({ kind: 'refused', code, reason, lines: [] });
  const noKit = `${kitPath} is not there or cannot be executed (${said})`;
  if (user === 'root') return result.status === 126 || result.status === 127 ? refuse('NO_KIT', noKit) : undefined;
  if (result.status === 127) return refuse('NO_SUDO', `there is no sudo on the node (${said})`);
  if (new RegExp(`^sudo: (unable to execute )?${kitPath}\\b`, 'u').test(said)) return refuse('NO_KIT', noKit);
  if (/^sudo: .*password is required|^sudo: interactive authentication is required/u.test(said))
    return refuse(
      'SUDO_PASSWORD',
      `sudo asks ${user} for a password there: add --ask-sudo-password or --sudo-password-file FILE (${said})`,
    );
  if (/^sudo: .*must have a tty/u.test(said))
    return refuse(
      'SUDO_TTY',
      `sudo wants a terminal there: add "Defaults:${user} !requiretty" to its sudoers (${said})`,
    );
  if (/^sudo:|^Sorry, user|not in the sudoers file|not allowed to execute/u.test(said)) {
    return refuse('NO_SUDO', `${user} may not run the kit with sudo (${said})`);
  }
  return undefined;
}

/** The line of sudo that matters: a lecture, or a host name that does not resolve, may come before it. */
function complaint(stderr: string): string {
  const lines = stderr
    .split('\n')
    .filter((line) => !/^sudo: (unable to resolve host|no password was provided)/u.test(line));
  const own = lines.filter((line) => /^sudo: |^Sorry, user|not in the sudoers file/u.test(line));
  return oneLine((own.length > 0 ? own : lines).join('\n'));
}
