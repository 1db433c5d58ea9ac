import type { AttributeSection } from './types.js';

/** Packages, asked for by name. */
export const packageSection: AttributeSection = {
  section: 'package',
  attributes: [
    {
      name: 'package.<name>',
      kind: 'text',
      words: ['absent'],
      what: 'Version of the installed package; several architectures with a blank between them.',
      unknown: 'There is no dpkg, or dpkg-query failed.',
    },
  ],
};
