import type { CheckResult } from './check.js';

const outOfReach = ['bastion', 'dns', 'tcp', 'sshd'];
const refused = ['host-key', 'auth', 'sudo', 'kit'];

/** The exit code of an examination: 3 out of reach, 4 refused, 1 any other failed check, 0 otherwise (warnings too). */
export function doctorExitCode(checks: readonly CheckResult[]): number {
  const failed = checks.find(({ state }) => state === 'bad');
  if (failed === undefined) return 0;
  if ('refused' in failed && failed.refused === true) return 4;
  if (outOfReach.includes(failed.id)) return 3;
  return refused.includes(failed.id) ? 4 : 1;
}

/** The exit code of an examination of the operator's computer: 3 and 4 only when nothing but a bastion is the trouble. */
export function computerExitCode(checks: readonly CheckResult[]): number {
  const failed = checks.filter(({ state }) => state === 'bad');
  const [only] = failed;
  if (only === undefined) return 0;
  if (failed.length > 1 || only.id !== 'bastions') return 1;
  return 'refused' in only && only.refused === true ? 4 : 3;
}
