import { readFile, stat } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { withPins, type HostKey } from './edit.js';
import { parseKnownHosts, type KnownHostsLine } from './parse.js';
import { pinsFor, type HostPins } from './pins.js';

/** Where the transport learns which host keys a node may have. */
export interface PinSource {
  lookup(nodeId: string): Promise<HostPins>;
}

/** Pins from a known_hosts file, read again when the file has changed. A missing file pins nothing. */
export function fileKnownHosts(path: string): PinSource {
  let stamp = '';
  let lines: KnownHostsLine[] = [];
  // Two lookups at once must not see a half-read file's lines under the new stamp.
  let reading: Promise<void> | undefined;
  const refresh = async (): Promise<void> => {
    const info = await stat(path).catch(ignoreMissing);
    const seen = info === undefined ? 'none' : `${info.mtimeMs}/${info.size}/${info.ino}`;
    if (seen === stamp) return;
    lines = parseKnownHosts((await readFile(path, 'utf8').catch(ignoreMissing)) ?? '');
    stamp = seen;
  };
  return {
    async lookup(nodeId) {
      reading ??= refresh().finally(() => {
        reading = undefined;
      });
      await reading;
      return pinsFor(lines, nodeId);
    },
  };
}

/** The keys that one node shall have. */
export interface NodeKeys {
  nodeId: string;
  keys: readonly HostKey[];
}

/** Replace nodes' keys in a known_hosts file, atomically; the file is made when it is missing. */
export async function writePins(path: string, nodes: readonly NodeKeys[]): Promise<void> {
  const text = (await readFile(path, 'utf8').catch(ignoreMissing)) ?? '';
  const changed = nodes.reduce((before, { nodeId, keys }) => withPins(before, nodeId, keys), text);
  await writeFileAtomic(path, changed, { mode: 0o644 });
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw error;
}
