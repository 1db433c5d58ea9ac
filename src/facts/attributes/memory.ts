import type { AttributeSection } from './types.js';

/** Memory and swap. */
export const memorySection: AttributeSection = {
  section: 'memory',
  attributes: [
    {
      name: 'memory.total',
      kind: 'bytes',
      what: 'MemTotal of proc(5).',
    },
    {
      name: 'memory.swap',
      kind: 'bytes',
      what: 'SwapTotal of proc(5).',
    },
    {
      name: 'memory.available',
      kind: 'bytes',
      volatile: true,
      what: 'MemAvailable of proc(5).',
    },
  ],
};
