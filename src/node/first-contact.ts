import type { NodeClient } from './client.js';
import { factsScript, observeScript } from './prepare-script.js';
import type { KitAnswer } from './types.js';

/** How nodes without a kit are asked. */
export interface FirstContactOptions {
  timeoutMs: number;
  /** Components whose distribution builds are looked for. */
  components?: readonly string[];
  signal?: AbortSignal;
}

/** Ask nodes without a kit for their facts: the script is assembled once, changes nothing and runs unprivileged. */
export function firstContact(
  client: Pick<NodeClient, 'runScript'>,
  options: FirstContactOptions,
): (nodeId: string) => Promise<KitAnswer> {
  const { components, ...how } = options;
  let script: Promise<string> | undefined;
  return async (nodeId) => {
    script ??= factsScript(components === undefined ? {} : { components });
    return client.runScript(nodeId, await script, { sudo: false, changing: false, ...how });
  };
}

/** Look at nodes that have no kit, or one that does not know the verb `observe`: unprivileged, and nothing is changed. */
export function firstLook(
  client: Pick<NodeClient, 'runScript'>,
  options: Omit<FirstContactOptions, 'components'>,
): (nodeId: string, fields: Record<string, string>) => Promise<KitAnswer> {
  return async (nodeId, fields) =>
    client.runScript(nodeId, await observeScript(fields), { sudo: false, changing: false, ...options });
}
