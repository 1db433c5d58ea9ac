import type { ReporterPart } from './reporter-parts.js';

/** Writes each event as one line of JSON. */
export function createNdjsonReporter(stdout: NodeJS.WritableStream): ReporterPart {
  return {
    event: (event) => {
      stdout.write(`${JSON.stringify(event)}\n`);
    },
    close: async () => {},
  };
}
