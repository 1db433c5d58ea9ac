import type { AttributeSection } from './types.js';

/** Kernel modules, asked for by name. */
export const moduleSection: AttributeSection = {
  section: 'module',
  attributes: [
    {
      name: 'module.<name>',
      kind: 'text',
      what: 'loaded, built-in or absent.',
      unknown: 'The kernel has no modules.',
    },
  ],
};
