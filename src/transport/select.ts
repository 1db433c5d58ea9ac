import type { PinSource } from './known-hosts/file.js';
import type { SshTransport } from './ssh/transport.js';
import type { Target } from './types.js';

/**
 * The transport for each node: openssh where the fleet says so, and where a node or a bastion before it is known by a
 * certificate authority, because ssh2 reads no host certificates; edgectl's own otherwise.
 */
export function selectTransport(ssh: SshTransport, openssh: () => SshTransport, pins: PinSource): SshTransport {
  let second: SshTransport | undefined;
  return {
    connect: async (target, options) => {
      const chosen = (await needsOpenssh(target, pins)) ? (second ??= openssh()) : ssh;
      return chosen.connect(target, options);
    },
    reach: async (target, signal) => {
      // Only the bastions are logged in to.
      const behind = target.via?.at(-1);
      const hop = behind && { ...behind, via: target.via?.slice(0, -1) ?? [], ...ofProgram(target) };
      const chosen = hop !== undefined && (await needsOpenssh(hop, pins)) ? (second ??= openssh()) : ssh;
      return chosen.reach(target, signal);
    },
    close: async () => {
      await Promise.all([ssh.close(), second?.close()]);
    },
  };
}

function ofProgram({ transport }: Pick<Target, 'transport'>): Pick<Target, 'transport'> {
  return transport === undefined ? {} : { transport };
}

async function needsOpenssh(target: Target, pins: PinSource): Promise<boolean> {
  if (target.transport === 'openssh') return true;
  for (const { nodeId } of [target, ...(target.via ?? [])]) {
    if ((await pins.lookup(nodeId)).authorityOnly) return true;
  }
  return false;
}
