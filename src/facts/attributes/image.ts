import type { AttributeSection } from './types.js';

/** Images that are here. */
export const imageSection: AttributeSection = {
  section: 'image',
  attributes: [
    {
      name: 'image.count',
      kind: 'number',
      what: 'Images by name in containerd’s namespaces.',
      unknown: 'containerd does not answer. Other stores are not read.',
    },
    {
      name: 'image.<reference>',
      kind: 'digest',
      what: 'Manifest digest of one of the first two hundred of them.',
    },
  ],
};
