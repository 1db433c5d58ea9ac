import { readFile, stat } from 'node:fs/promises';
import { EdgectlError } from '../../errors/error.js';
import { run } from '../../process/run.js';
import { targetOf } from '../../node/target.js';
import { quoteArgv } from '../../transport/quote.js';
import type { Finding } from '../check.js';
import { agentKeys } from './agent.js';
import type { Computer, FleetCheck } from './check.js';

/** Can the private keys that the fleet names be used: there, readable by nobody else, open or in the agent? */
export const loginKeysCheck: FleetCheck = {
  id: 'login-keys',
  needsFleet: true,
  run: async (computer, fleet) => {
    if (fleet.nodes.length === 0) return { state: 'ok', detail: 'the fleet has no nodes yet' };
    const targets = fleet.nodes.map((node) => targetOf(fleet, node, { home: computer.home }));
    const ends = targets.flatMap((target) => [target, ...(target.via ?? [])]);
    const files = [...new Set(ends.flatMap(({ identityFiles }) => identityFiles))];
    const held = await agentKeys(computer);
    for (const file of files) {
      const bad = await examineKey(file, held ?? [], computer);
      if (bad !== undefined) return bad;
    }
    const without = targets.filter(({ identityFiles }) => identityFiles.length === 0).length;
    if (without > 0 && (held === undefined || held.length === 0))
      return {
        state: 'bad',
        detail: `${without} nodes have no identity in fleet.yaml, and no agent holds a key`,
        hint: held === undefined ? 'eval "$(ssh-agent -s)" && ssh-add' : 'ssh-add',
      };
    return { state: 'ok', detail: files.length === 0 ? 'those of the agent' : files.join(', ') };
  },
};

async function examineKey(file: string, held: readonly string[], { env }: Computer): Promise<Finding | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined)
    return {
      state: 'bad',
      detail: `${file} is not there`,
      hint: `correct identity in fleet.yaml, or make the key: ${quoteArgv(['ssh-keygen', '-t', 'ed25519', '-f', file])}`,
    };
  if ((found.mode & 0o077) !== 0)
    return { state: 'bad', detail: `${file} can be read by others`, hint: quoteArgv(['chmod', '600', file]) };
  if (await opens(file, env)) return undefined;
  const publicHalf = (await readFile(`${file}.pub`, 'utf8').catch(() => '')).split(' ').slice(0, 2).join(' ');
  if (publicHalf !== '' && held.includes(publicHalf.trim())) return undefined;
  return {
    state: 'bad',
    detail: `${file} has a passphrase, and no agent holds it`,
    hint: `${env['SSH_AUTH_SOCK'] ? '' : 'eval "$(ssh-agent -s)" && '}${quoteArgv(['ssh-add', file])}`,
  };
}

/** With an empty passphrase ssh-keygen asks nothing: it opens the key, or says that it cannot. Without ssh-keygen nobody knows. */
async function opens(file: string, env: Computer['env']): Promise<boolean> {
  try {
    const argv = ['ssh-keygen', '-y', '-P', '', '-f', file] as const;
    return (await run(argv, { timeoutMs: 10_000, env: { PATH: env['PATH'] } })).status === 0;
  } catch (error) {
    if (error instanceof EdgectlError && error.code === 'TOOL_MISSING') return true;
    throw error;
  }
}
