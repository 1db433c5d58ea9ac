import { EdgectlError } from '../errors/error.js';
import type { Fleet } from '../fleet/types.js';
import { runShell } from '../transport/openssh/shell.js';
import { failureError } from './failure-error.js';
import { openNodes } from './open.js';
import { nodeOf, targetOf } from './target.js';

/** What ssh itself ends with when its connection failed. */
const sshFailed = 255;

/**
 * Gives the terminal to an ssh session on a node; answers the status of the remote shell. The node is logged in to once before, so that
 * what is wrong has the same names as everywhere. Throws NODE_NOT_FOUND, NODE_UNREACHABLE, SSH_HOST_KEY_*, SSH_AUTH, TOOL_MISSING, USAGE.
 */
export async function openShell(
  fleet: Fleet,
  nodeId: string,
  { env, signal }: { env: Readonly<Record<string, string | undefined>>; signal: AbortSignal },
): Promise<number> {
  const node = nodeOf(fleet, nodeId);
  if (node.callHome !== undefined)
    throw new EdgectlError('USAGE', {
      message: `${nodeId} calls home: ssh cannot reach it by itself.`,
      hint: `edgectl node exec ${nodeId} -- COMMAND`,
    });
  const target = targetOf(fleet, node, { agent: env['SSH_AUTH_SOCK'], home: env['HOME'] });
  const { transport, close } = openNodes(fleet, { env });
  const connected = await transport.connect(target, { signal }).finally(close);
  if (!connected.ok) throw failureError(nodeId, connected);
  const configFile = env['EDGECTL_SSH_CONFIG'];
  const status = await runShell(target, {
    knownHostsFile: fleet.knownHostsFile,
    env,
    ...(configFile === undefined || configFile === '' ? {} : { configFile }),
  });
  if (status === sshFailed)
    throw new EdgectlError('NODE_UNREACHABLE', {
      message: `${nodeId}: ssh lost the connection, or was ended with 255 there.`,
      hint: `edgectl node doctor ${nodeId}`,
    });
  return status;
}
