import { namesMatch, parseKnownHosts, type KnownHostsLine } from './parse.js';

/** A host key to pin. */
export interface HostKey {
  type: string;
  /** Base64 of the key blob. */
  key: string;
}

/** The text of a known_hosts file with a node's keys replaced; comments, other nodes, patterns, revocations and authorities stay as they are. */
export function withPins(text: string, nodeId: string, keys: readonly HostKey[]): string {
  const kept = parseKnownHosts(text).flatMap((line) => withoutName(line, nodeId));
  return [...kept, ...keys.map(({ type, key }) => `${nodeId} ${type} ${key}`)].map((line) => `${line}\n`).join('');
}

function withoutName(line: KnownHostsLine, nodeId: string): string[] {
  const { host, text } = line;
  if (host === undefined || host.marker !== undefined) return [text];
  if (host.names.startsWith('|')) return namesMatch(host.names, nodeId) ? [] : [text];
  const names = host.names.split(',');
  const rest = names.filter((name) => name.toLowerCase() !== nodeId.toLowerCase());
  if (rest.length === names.length) return [text];
  if (rest.length === 0) return [];
  return [text.replace(host.names, () => rest.join(','))];
}
