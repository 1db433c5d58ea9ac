import type { BaseAgent, ParsedKey } from 'ssh2';
import type { Ssh2 } from './load.js';

/**
 * An agent that offers only the keys that belong to the configured identity files, when it holds any of them, else all
 * of its keys: sshd hangs up after six keys (MaxAuthTries), so an agent full of others must not use up the tries.
 */
export function limitedAgent(ssh2: Ssh2, socketPath: string, wanted: readonly Buffer[]): BaseAgent {
  const agent = new ssh2.OpenSSHAgent(socketPath);
  const getIdentities = agent.getIdentities.bind(agent);
  agent.getIdentities = (callback) => {
    getIdentities((error, keys) => {
      if (error !== undefined && error !== null) return callback(error);
      const all = (keys ?? []) as unknown as ParsedKey[];
      const matching = all.filter((key) => wanted.some((blob) => blob.equals(key.getPublicSSH())));
      callback(undefined, matching.length > 0 ? matching : all);
    });
  };
  return agent as unknown as BaseAgent;
}
