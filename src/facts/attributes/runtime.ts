import type { AttributeSection } from './types.js';

/** Runtimes: those that edgectl manages, and those that were asked for. */
export const runtimeSection: AttributeSection = {
  section: 'runtime',
  attributes: [
    {
      name: 'runtime.<component>.version',
      kind: 'text',
      words: ['absent'],
      what: 'Version of the active generation, else what the program says of itself.',
      unknown: 'The program does not say one.',
    },
    {
      name: 'runtime.<component>.bundle',
      kind: 'digest',
      what: 'Bundle of the active generation; only where edgectl manages it.',
    },
    {
      name: 'runtime.<component>.source',
      kind: 'text',
      what: 'edgectl, adopted or distribution.',
    },
    {
      name: 'runtime.<component>.path',
      kind: 'text',
      what: 'Where the program is, links followed.',
    },
    {
      name: 'runtime.<component>.digest',
      kind: 'digest',
      what: 'Digest of the program.',
      unknown: 'It is larger than 256 MiB, or no program has that name.',
    },
    {
      name: 'runtime.<component>.running',
      kind: 'text',
      words: ['none'],
      what: 'Version of the process that runs, which an exchanged file does not change; only where it has a unit.',
      unknown: 'Its file was replaced while it ran.',
    },
    {
      name: 'runtime.<component>.config_digest',
      kind: 'digest',
      words: ['absent'],
      what: 'Digest of its configuration, where that has a known place.',
    },
  ],
};
