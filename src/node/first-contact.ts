import { readFile } from 'node:fs/promises';
import type { NodeClient } from './client.js';
import type { KitAnswer } from './types.js';

/** The script that reads the facts of a node without a kit. It changes nothing and needs no privilege. */
export async function firstContactScript(): Promise<string> {
  const template = await readFile(new URL('../../templates/first-contact/facts.sh', import.meta.url), 'utf8');
  // dash and busybox read ahead: nothing may follow the call, and nothing in it reads standard input.
  return `${template}\nmain </dev/null\n`;
}

/** Ask nodes without a kit for their facts: the script is read once, and runs unprivileged. */
export function firstContact(
  client: Pick<NodeClient, 'runScript'>,
  options: { timeoutMs: number; signal?: AbortSignal },
): (nodeId: string) => Promise<KitAnswer> {
  let script: Promise<string> | undefined;
  return async (nodeId) => {
    script ??= firstContactScript();
    return client.runScript(nodeId, await script, { sudo: false, changing: false, ...options });
  };
}
