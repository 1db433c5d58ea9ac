import type { Target } from '../transport/types.js';
import type { Check } from './check.js';
import { bastionCheck } from './checks/bastion.js';
import { dnsCheck } from './checks/dns.js';
import { clockCheck } from './checks/clock.js';
import { diskCheck, initCheck, signatureCheck } from './checks/facts.js';
import { linkCheck } from './checks/link.js';
import { kitCheck, sudoCheck } from './checks/kit.js';
import { authCheck, hostKeyCheck, sshdCheck } from './checks/ssh.js';
import { tcpCheck } from './checks/tcp.js';

const nodeChecks: readonly Check[] = [
  dnsCheck,
  tcpCheck,
  sshdCheck,
  hostKeyCheck,
  authCheck,
  linkCheck,
  sudoCheck,
  kitCheck,
  initCheck,
  signatureCheck,
  clockCheck,
  diskCheck,
];

/** The checks of a node in the order in which each stands on the one before. */
export function checksFor(target: Pick<Target, 'via'>): readonly Check[] {
  return (target.via ?? []).length > 0 ? [bastionCheck, ...nodeChecks] : nodeChecks;
}
