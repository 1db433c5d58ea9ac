import type { AttributeSection } from './types.js';

/** Units of systemd: the failed ones, and those asked for. */
export const unitSection: AttributeSection = {
  section: 'unit',
  attributes: [
    {
      name: 'unit.failed',
      kind: 'list',
      what: 'Units that have failed, at most 64.',
      unknown: 'There is no systemd, or it does not answer.',
    },
    {
      name: 'unit.<name>.active',
      kind: 'text',
      words: ['absent'],
      what: 'ActiveState.',
      unknown: 'There is no systemd, or it does not answer.',
    },
    {
      name: 'unit.<name>.enabled',
      kind: 'text',
      words: ['absent'],
      what: 'UnitFileState; none for units without a file.',
    },
    {
      name: 'unit.<name>.result',
      kind: 'text',
      what: 'Result of the last run of a service.',
    },
    {
      name: 'unit.<name>.restarts',
      kind: 'number',
      what: 'NRestarts of a service in this boot.',
    },
  ],
};
