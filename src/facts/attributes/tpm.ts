import type { AttributeSection } from './types.js';

/** The TPM and what it measured. */
export const tpmSection: AttributeSection = {
  section: 'tpm',
  attributes: [
    {
      name: 'tpm.present',
      kind: 'flag',
      what: 'Is there a TPM?',
    },
    {
      name: 'tpm.version',
      kind: 'number',
      what: 'Major version.',
      unknown: 'The kernel does not say.',
    },
    {
      name: 'tpm.pcr.<n>',
      kind: 'digest',
      own: true,
      what: 'PCR 0, 2, 4 and 7 of the sha256 bank, as the kernel reads them; this is no attestation.',
      unknown: 'The kernel does not say (before 5.12).',
    },
  ],
};
