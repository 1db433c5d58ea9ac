import type { AttributeSection } from './types.js';

/** The processors. */
export const cpuSection: AttributeSection = {
  section: 'cpu',
  attributes: [
    {
      name: 'cpu.count',
      kind: 'number',
      what: 'Processors that are online.',
      unknown: 'cpuinfo does not say.',
    },
    {
      name: 'cpu.model',
      kind: 'text',
      what: 'Model name, or the board’s of the device tree.',
      unknown: 'Neither says.',
    },
    {
      name: 'cpu.microcode',
      kind: 'text',
      what: 'Revision of the microcode.',
      unknown: 'cpuinfo does not say, as on ARM.',
    },
    {
      name: 'cpu.vulnerable',
      kind: 'list',
      what: 'Vulnerabilities that the kernel calls Vulnerable.',
      unknown: 'The kernel does not say.',
    },
  ],
};
