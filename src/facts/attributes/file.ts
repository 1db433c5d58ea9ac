import type { AttributeSection } from './types.js';

/** Files, asked for by path; never what is in them. */
export const fileSection: AttributeSection = {
  section: 'file',
  attributes: [
    {
      name: 'file.<path>.digest',
      kind: 'digest',
      words: ['absent', 'directory'],
      what: 'Digest of what is in it, links followed.',
      unknown: 'It is larger than 64 MiB, or no file.',
    },
    {
      name: 'file.<path>.mode',
      kind: 'mode',
      words: ['absent'],
      what: 'Permission bits, links followed.',
    },
    {
      name: 'file.<path>.owner',
      kind: 'text',
      words: ['absent'],
      what: 'user:group by name, by number where one has no name.',
    },
    {
      name: 'file.<path>.link',
      kind: 'text',
      what: 'Target, when it is a symbolic link.',
    },
  ],
};
