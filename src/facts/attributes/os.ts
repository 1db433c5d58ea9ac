import type { AttributeSection } from './types.js';

/** The operating system and its identity. */
export const osSection: AttributeSection = {
  section: 'os',
  attributes: [
    {
      name: 'os.id',
      kind: 'text',
      what: 'ID of os-release(5).',
      unknown: 'The node has no os-release.',
    },
    {
      name: 'os.version',
      kind: 'text',
      what: 'VERSION_ID of os-release(5).',
      unknown: 'os-release does not say, as on rolling releases.',
    },
    {
      name: 'os.name',
      kind: 'text',
      what: 'PRETTY_NAME of os-release(5).',
      unknown: 'os-release does not say.',
    },
    {
      name: 'os.arch',
      kind: 'text',
      what: 'Architecture by the name that bundles use, else as uname(1) says it.',
    },
    {
      name: 'os.hostname',
      kind: 'text',
      own: true,
      what: 'Name that the node gives itself.',
    },
    {
      name: 'os.init',
      kind: 'text',
      what: 'Init and its major version.',
      unknown: 'Process 1 is none that edgectl knows.',
    },
    {
      name: 'os.timezone',
      kind: 'text',
      what: 'Target of /etc/localtime.',
      unknown: '/etc/localtime is no link into zoneinfo.',
    },
    {
      name: 'os.machine',
      kind: 'digest',
      own: true,
      what: 'Derived from /etc/machine-id: two nodes with the same one are clones.',
      unknown: 'There is no machine-id.',
    },
  ],
};
