import type { TransportFailureKind } from '../../transport/types.js';
import { transportTable } from '../../plan/states.js';
import type { Check } from '../check.js';

const hints: Partial<Record<TransportFailureKind, (bastion: string) => string>> = {
  'host-key-unknown': (name) => `edgectl node trust --bastion ${name}`,
  'host-key-changed': (name) =>
    `compare with the bastion’s console, then: edgectl node trust --bastion ${name} --replace`,
  auth: (name) => `add a key that it knows (ssh-add, or identity of bastions.${name} in fleet.yaml)`,
  'forward-refused': (name) =>
    `allow it in sshd_config of ${name}: AllowTcpForwarding yes, and PermitOpen for the node`,
};

/** What to type when a bastion fails. */
export function bastionHint(kind: TransportFailureKind, bastion: string): string {
  return hints[kind]?.(bastion) ?? `look at ${bastion} first: ssh to it by hand`;
}

/** Do the bastions before the node let us through? */
export const bastionCheck: Check = {
  id: 'bastion',
  blocks: true,
  async run({ target, connection }) {
    const names = (target.via ?? []).map(({ nodeId }) => nodeId);
    const connected = await connection();
    if (connected.ok || connected.bastion === undefined)
      return { state: 'ok', detail: `the way goes through ${names.join(', ')}` };
    const { kind, bastion, message } = connected;
    const hint = bastionHint(kind, bastion);
    return { state: 'bad', detail: message, hint, refused: transportTable[kind].before.state === 'refused' };
  },
};
