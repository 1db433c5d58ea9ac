import type { AnyAuthMethod, AuthHandlerMiddleware } from 'ssh2';
import type { Endpoint } from '../types.js';
import { limitedAgent } from './agent.js';
import type { KeyStore } from './keys.js';
import type { Ssh2 } from './load.js';

/** The ways to authenticate to one target, in order, and why some key files cannot be used. */
export interface AuthPlan {
  methods: AnyAuthMethod[];
  /** What was offered or left out, for the message of a failure. */
  offered: string[];
  unusable: string[];
}

/**
 * Plan authentication: the agent first, then key files; never `none`, which costs a round trip and always fails. Where no key file is
 * named, the usual ones that are there are tried, as ssh does.
 */
export async function planAuth(
  ssh2: Ssh2,
  keys: KeyStore,
  target: Endpoint,
  usual: readonly string[] = [],
): Promise<AuthPlan> {
  const plan: AuthPlan = { methods: [], offered: [], unusable: [] };
  const named = target.identityFiles.length > 0;
  const loaded = await Promise.all((named ? target.identityFiles : usual).map((path) => keys.load(path)));
  const files = named ? loaded : loaded.filter(({ absent }) => !absent);
  const username = target.user;
  if (target.agent !== undefined) {
    // Only keys that somebody named narrow down what the agent may offer.
    const wanted = (named ? files : []).flatMap(({ publicBlob }) => (publicBlob === undefined ? [] : [publicBlob]));
    plan.methods.push({ type: 'agent', username, agent: limitedAgent(ssh2, target.agent, wanted) });
    plan.offered.push('the keys of the agent');
  }
  for (const { path, key, why } of files) {
    if (why !== undefined) plan.unusable.push(why);
    if (key === undefined) continue;
    plan.methods.push({ type: 'publickey', username, key });
    plan.offered.push(path);
  }
  return plan;
}

/** An ssh2 authentication handler that goes through the methods of a plan once. */
export function authHandler(methods: readonly AnyAuthMethod[]): AuthHandlerMiddleware {
  let next = 0;
  return (_left, _partial, callback) => {
    const method = methods[next];
    next += 1;
    // ssh2 takes `false` as "no more"; its types leave that out.
    callback(method ?? (false as unknown as AnyAuthMethod));
  };
}

/** One line that says why nobody could log in, naming the keys. */
export function authMessage(plan: AuthPlan, target: Endpoint, notes: readonly string[]): string {
  const who = `${target.user}@${target.host}`;
  const more = [...plan.unusable, ...notes];
  const extra = more.length === 0 ? '' : `; ${more.join('; ')}`;
  if (plan.methods.length === 0) {
    return more.length === 0
      ? `no key and no agent to log in as ${who} with`
      : `no usable key for ${who}: ${more.join('; ')}`;
  }
  return `${who} rejected ${plan.offered.join(', ')}${extra}`;
}
