import type { AttributeSection } from './types.js';

/** Attached devices, for labels. */
export const deviceSection: AttributeSection = {
  section: 'device',
  attributes: [
    {
      name: 'device.usb',
      kind: 'list',
      what: 'vendor:product of USB devices; hubs of the kernel are left out.',
    },
    {
      name: 'device.serial',
      kind: 'list',
      what: 'Serial adapters, ttyUSB and ttyACM.',
    },
    {
      name: 'device.video',
      kind: 'list',
      what: 'Video devices.',
    },
    {
      name: 'device.gpu',
      kind: 'list',
      what: 'Render nodes and NVIDIA devices.',
    },
    {
      name: 'device.disk',
      kind: 'list',
      what: 'name:bytes of disks.',
    },
    {
      name: 'device.network',
      kind: 'list',
      what: 'Network interfaces that have hardware.',
    },
  ],
};
