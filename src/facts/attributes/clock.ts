import type { AttributeSection } from './types.js';

/** The clock, and who sets it. */
export const clockSection: AttributeSection = {
  section: 'clock',
  attributes: [
    {
      name: 'clock.service',
      kind: 'text',
      what: 'chrony, systemd-timesyncd, ntpd, ptp4l or none, by the process that runs.',
    },
    {
      name: 'clock.synchronised',
      kind: 'flag',
      what: 'What that service says.',
      unknown: 'No service runs, it is not one of the first two, or it does not answer.',
    },
    {
      name: 'clock.hardware',
      kind: 'text',
      what: 'Clock source of the kernel.',
      unknown: 'The kernel does not say.',
    },
    {
      name: 'clock.offset',
      kind: 'number',
      unit: 'seconds',
      volatile: true,
      what: 'The node’s time minus the operator’s, computed by the operator; 0 when it is within two seconds and half of the round trip, else one significant digit.',
      unknown: 'The node’s time is no number.',
    },
  ],
};
