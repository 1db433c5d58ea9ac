import type { TransportFailureKind } from '../../transport/types.js';
import type { Check, CheckContext, Finding } from '../check.js';

const hostKey: readonly TransportFailureKind[] = ['host-key-unknown', 'host-key-changed'];

// One connection serves three checks: each looks only at the failures that are its own.
async function failureOf(
  context: CheckContext,
  mine: (kind: TransportFailureKind) => boolean,
  hint: string,
): Promise<Finding | undefined> {
  const connected = await context.connection();
  if (connected.ok || !mine(connected.kind)) return undefined;
  return { state: 'bad', detail: connected.message, hint };
}

/** Does sshd answer in time? */
export const sshdCheck: Check = {
  id: 'sshd',
  blocks: true,
  async run(context) {
    const hint =
      'sshd hangs or hangs up: on the console, journalctl -u ssh (a penalty passes by itself, see PerSourcePenalties and MaxStartups in sshd_config); look at load and memory';
    const bad = await failureOf(context, (kind) => kind !== 'auth' && !hostKey.includes(kind), hint);
    return bad ?? { state: 'ok', detail: 'sshd completes the key exchange' };
  },
};

/** Is the host key the pinned one? */
export const hostKeyCheck: Check = {
  id: 'host-key',
  blocks: true,
  async run(context) {
    const { node } = context;
    const pinned = (await context.pins()).keys.length > 0;
    const hint = pinned
      ? `compare with the node’s console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then: edgectl node trust ${node.id} --replace`
      : `edgectl node trust ${node.id}`;
    const bad = await failureOf(context, (kind) => hostKey.includes(kind), hint);
    return bad ?? { state: 'ok', detail: 'the host key is the pinned one' };
  },
};

/** Can we log in? */
export const authCheck: Check = {
  id: 'auth',
  blocks: true,
  async run(context) {
    const { user } = context.target;
    const hint = `add a key that the node knows (ssh-add, or identity in fleet.yaml), or put yours into ~${user}/.ssh/authorized_keys there`;
    const bad = await failureOf(context, (kind) => kind === 'auth', hint);
    return bad ?? { state: 'ok', detail: `logged in as ${user}` };
  },
};
