import type { RuntimesFile } from './schema/runtimes-file.js';
import type { DesiredRuntime } from './types.js';

/** Desired state from runtimes.yaml. */
export function resolveRuntimes(file: RuntimesFile): DesiredRuntime[] {
  return file.map((entry) => ({
    component: entry.runtime,
    version: entry.version,
    digests: entry.digests ?? (entry.digest === undefined ? {} : { all: entry.digest }),
    on: entry.on ?? '',
    ...(entry.source === undefined ? {} : { source: entry.source }),
  }));
}
