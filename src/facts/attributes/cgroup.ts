import type { AttributeSection } from './types.js';

/** Control groups. */
export const cgroupSection: AttributeSection = {
  section: 'cgroup',
  attributes: [
    {
      name: 'cgroup.version',
      kind: 'number',
      what: '1 or 2.',
      unknown: 'There are no control groups.',
    },
    {
      name: 'cgroup.controllers',
      kind: 'list',
      what: 'Controllers that can be used.',
      unknown: 'There are no control groups.',
    },
  ],
};
