import { EdgectlError } from '../../errors/error.js';
import { run } from '../../process/run.js';
import type { ComputerCheck } from './check.js';
import type { Computer } from './check.js';

const timeoutMs = 10_000;

/** Public keys in an ssh-agent, `type base64`; undefined when there is no agent that answers. */
export async function agentKeys({ env }: Pick<Computer, 'env'>): Promise<string[] | undefined> {
  if (!env['SSH_AUTH_SOCK']) return undefined;
  try {
    const listed = await run(['ssh-add', '-L'], {
      timeoutMs,
      env: { PATH: env['PATH'], SSH_AUTH_SOCK: env['SSH_AUTH_SOCK'] },
    });
    // ssh-add(1): 1 when the command fails (no identities), 2 when the agent cannot be reached.
    if (listed.status !== 0 && listed.status !== 1) return undefined;
    const lines = listed.stdout.split('\n').filter((line) => /^(?:ssh-|ecdsa-|sk-)/u.test(line));
    return lines.map((line) => line.split(' ').slice(0, 2).join(' '));
  } catch (error) {
    if (error instanceof EdgectlError && error.code === 'TOOL_MISSING') return undefined;
    throw error;
  }
}

/** Does the ssh-agent that the environment names answer? (Whether a key is missing is for `login-keys` to say.) */
export const agentCheck: ComputerCheck = {
  id: 'agent',
  run: async (computer) => {
    const socket = computer.env['SSH_AUTH_SOCK'];
    if (!socket) return { state: 'ok', detail: 'none (SSH_AUTH_SOCK is not set)' };
    const keys = await agentKeys(computer);
    if (keys !== undefined)
      return { state: 'ok', detail: keys.length === 1 ? 'holds 1 key' : `holds ${keys.length} keys` };
    return { state: 'bad', detail: `no agent answers at ${socket}`, hint: 'eval "$(ssh-agent -s)" && ssh-add' };
  },
};
