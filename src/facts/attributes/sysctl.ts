import type { AttributeSection } from './types.js';

/** Kernel parameters, asked for by name. */
export const sysctlSection: AttributeSection = {
  section: 'sysctl',
  attributes: [
    {
      name: 'sysctl.<name>',
      kind: 'text',
      what: 'First line of the file in /proc/sys; tabs are blanks.',
      unknown: 'There is no such parameter.',
    },
  ],
};
