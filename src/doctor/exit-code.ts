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
