import type { ExecSuccess } from '../transport/types.js';
import { oneLine } from '../util/escape.js';
import type { KitCall, KitRefusal } from './types.js';

/** Where the kit is on a prepared node. */
export const kitPath = '/usr/local/sbin/edgectl-node';

/** The argv that runs a kit verb: directly for root, else through sudo without a prompt. */
export function kitArgv(user: string, verb: string): readonly string[] {
  return [...privilege(user), kitPath, verb];
}

/** The argv that reads a script from standard input. */
export function shellArgv(user: string, options: { sudo: boolean }): readonly string[] {
  return [...(options.sudo ? privilege(user) : []), 'sh', '-s'];
}

function privilege(user: string): readonly string[] {
  return user === 'root' ? [] : ['sudo', '-n'];
}

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
    case 'stage':
      return call.fields['op'] !== 'offer';
    default:
      return true;
  }
}

/**
 * Recognise a command that did not run at all: no kit (`NO_KIT`), or no right to it (`NO_SUDO`). The shell's statuses are
 * POSIX (XCU 2.8.2: 127 not found, 126 not executable); sudo's texts may be translated, so its prefix decides.
 */
export function notRun(result: ExecSuccess, user: string): KitRefusal | undefined {
  if (result.stdout.length > 0 || result.status === 0 || result.status === null) return undefined;
  // A host name that does not resolve is sudo's complaint before the one that matters.
  const complaints = result.stderr.toString('utf8').replace(/^sudo: unable to resolve host .*\n/gmu, '');
  const said = oneLine(complaints);
  const refuse = (code: string, reason: string): KitRefusal => ({ kind: 'refused', code, reason, lines: [] });
  const noKit = `${kitPath} is not there or cannot be executed (${said})`;
  if (user === 'root') return result.status === 126 || result.status === 127 ? refuse('NO_KIT', noKit) : undefined;
  if (result.status === 127) return refuse('NO_SUDO', `there is no sudo on the node (${said})`);
  if (new RegExp(`^sudo: (unable to execute )?${kitPath}\\b`, 'u').test(said)) return refuse('NO_KIT', noKit);
  if (/^sudo:|^Sorry, user|not in the sudoers file|not allowed to execute/u.test(said)) {
    return refuse('NO_SUDO', `${user} may not run the kit with sudo (${said})`);
  }
  return undefined;
}
