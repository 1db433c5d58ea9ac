import { run } from '../process/run.js';
import { EdgectlError } from '../errors/error.js';
import type { PublicKey } from './public-key.js';
import { parsePublicKey } from './public-key.js';

/** The only key that the ssh-agent holds. Throws KEYS_NOT_FOUND when there is none, USAGE when there are several. */
export async function soleAgentKey(agent: string | undefined): Promise<PublicKey> {
  const result = await run(['ssh-add', '-L'], {
    timeoutMs: 10_000,
    ...(agent === undefined ? {} : { env: { SSH_AUTH_SOCK: agent } }),
  });
  const keys = result.stdout
    .split('\n')
    .filter((line) => /^(ssh-|ecdsa-|sk-)/.test(line) && !line.includes('-cert-v01@'))
    .map((line) => parsePublicKey(line, 'the agent’s key'));
  const [key, ...more] = keys;
  if (result.status !== 0 || key === undefined) {
    throw new EdgectlError('KEYS_NOT_FOUND', {
      message: 'There is no ssh-agent, or it holds no key.',
      hint: 'ssh-add -l',
    });
  }
  if (more.length > 0) {
    throw new EdgectlError('USAGE', {
      message: `The agent holds ${keys.length} keys.`,
      lines: keys.map((each) => `${each.fingerprint} ${each.comment}`),
      hint: 'name the public half of one: edgectl keys init --from FILE.pub',
    });
  }
  return key;
}
