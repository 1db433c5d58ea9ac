import type { AttributeSection } from './types.js';

/** Which boot this is. */
export const bootSection: AttributeSection = {
  section: 'boot',
  attributes: [
    {
      name: 'boot.id',
      kind: 'text',
      own: true,
      what: 'Id of this boot.',
    },
    {
      name: 'boot.up',
      kind: 'number',
      unit: 'seconds',
      volatile: true,
      what: 'How long this boot has lasted.',
    },
  ],
};
