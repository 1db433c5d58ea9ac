import type { AttributeSection } from './types.js';

/** Local file systems, at most sixteen. */
export const diskSection: AttributeSection = {
  section: 'disk',
  attributes: [
    {
      name: 'disk.<mount>.filesystem',
      kind: 'text',
      what: 'Type of the file system.',
    },
    {
      name: 'disk.<mount>.mode',
      kind: 'text',
      what: 'rw or ro.',
    },
    {
      name: 'disk.<mount>.size',
      kind: 'bytes',
      what: 'Size of the file system.',
      unknown: 'It does not answer.',
    },
    {
      name: 'disk.<mount>.inodes',
      kind: 'number',
      what: 'Inodes of the file system; 0 where it has no table of them.',
      unknown: 'It does not answer.',
    },
    {
      name: 'disk.<mount>.used_percent',
      kind: 'number',
      unit: 'percent',
      volatile: true,
      what: 'Used space, rounded up, the reserve counted as used.',
    },
    {
      name: 'disk.<mount>.inodes_used_percent',
      kind: 'number',
      unit: 'percent',
      volatile: true,
      what: 'Used inodes, rounded up.',
    },
  ],
};
