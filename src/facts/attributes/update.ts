import type { AttributeSection } from './types.js';

/** What updates have left to do. */
export const updateSection: AttributeSection = {
  section: 'update',
  attributes: [
    {
      name: 'update.reboot_required',
      kind: 'flag',
      what: 'Is /run/reboot-required there?',
    },
    {
      name: 'update.reboot_packages',
      kind: 'list',
      what: 'Packages that ask for it.',
    },
    {
      name: 'update.lists_at',
      kind: 'time',
      what: 'Day on which apt’s lists were last changed.',
      unknown: 'There is no apt.',
    },
  ],
};
