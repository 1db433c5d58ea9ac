import type { AttributeSection } from './types.js';

/** The kernel that runs. */
export const kernelSection: AttributeSection = {
  section: 'kernel',
  attributes: [
    {
      name: 'kernel.release',
      kind: 'text',
      what: 'uname -r.',
    },
    {
      name: 'kernel.build',
      kind: 'text',
      what: 'uname -v.',
    },
    {
      name: 'kernel.tainted',
      kind: 'number',
      unit: 'bit mask',
      what: 'Taint bits of /proc/sys/kernel/tainted.',
    },
    {
      name: 'kernel.cmdline',
      kind: 'text',
      own: true,
      what: 'Command line of this boot.',
    },
    {
      name: 'kernel.options',
      kind: 'list',
      what: 'Words of the command line without those that name disks of this machine.',
    },
    {
      name: 'kernel.modules',
      kind: 'list',
      what: 'Loaded modules.',
      unknown: 'The kernel has no modules; or their names are longer than 4096 bytes together.',
    },
    {
      name: 'kernel.modules_digest',
      kind: 'digest',
      what: 'Digest of the sorted names of the loaded modules.',
      unknown: 'The kernel has no modules.',
    },
  ],
};
