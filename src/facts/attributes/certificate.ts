import type { AttributeSection } from './types.js';

/** Certificates, asked for by path or in the known places. */
export const certificateSection: AttributeSection = {
  section: 'certificate',
  attributes: [
    {
      name: 'certificate.<path>.expires',
      kind: 'time',
      words: ['absent'],
      what: 'notAfter of the first certificate in the file; read by the operator’s side.',
      unknown: 'There is no certificate in it, or it is longer than 8 KiB or none that can be read.',
    },
    {
      name: 'certificate.<path>.subject',
      kind: 'text',
      what: 'Its subject, relative names with a comma between them.',
    },
    {
      name: 'certificate.<path>.digest',
      kind: 'digest',
      what: 'Digest of the certificate.',
    },
  ],
};
