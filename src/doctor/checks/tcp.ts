import { dial } from '../../transport/dial.js';
import { defaultSshLimits } from '../../transport/ssh/limits.js';
import type { TransportFailureKind } from '../../transport/types.js';
import type { Check } from '../check.js';
import { behindBastion } from './dns.js';

const hints: Partial<Record<TransportFailureKind, string>> = {
  refused: 'the machine is up but nothing listens there: start sshd on its console, or correct the port in fleet.yaml',
  'no-route': 'look at the network between here and the node: VPN, routes, a gateway',
  'connect-timeout': 'the machine is off, or a firewall drops the packets: look at its power and at the firewall',
};

/** Does something accept TCP connections there? */
export const tcpCheck: Check = {
  id: 'tcp',
  blocks: true,
  async run({ target, signal, connection }) {
    if (behindBastion(target)) {
      const connected = await connection();
      const hint = connected.ok ? undefined : hints[connected.kind];
      if (connected.ok || hint === undefined)
        return { state: 'ok', detail: `${target.host} port ${target.port} accepts connections from its bastion` };
      return { state: 'bad', detail: connected.message, hint };
    }
    const socket = await dial(target.host, target.port, defaultSshLimits.connectMs, signal);
    if ('ok' in socket) {
      return { state: 'bad', detail: socket.message, hint: hints[socket.kind] ?? 'try again, and look at the network' };
    }
    socket.destroy();
    return { state: 'ok', detail: `${target.host} port ${target.port} accepts connections` };
  },
};
