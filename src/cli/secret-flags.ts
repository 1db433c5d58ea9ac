import { Flags } from '@oclif/core';

/** Flags that say for whom a secret is. */
export const secretFlags = {
  unit: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'UNIT.service',
    summary: 'A unit that may load it as a credential.',
  }),
  owner: Flags.string({ helpValue: 'UID:GID', summary: 'Owner of the file on the node; 0:0 when never said.' }),
  mode: Flags.custom<'0400' | '0440'>({ options: ['0400', '0440'] })({
    summary: 'Mode of that file; 0400 when never said.',
  }),
  require: Flags.custom<'software' | 'tpm-tofu' | 'tpm' | 'tpm-pinned'>({
    options: ['software', 'tpm-tofu', 'tpm', 'tpm-pinned'],
  })({ helpValue: 'CLASS', summary: 'The weakest class of node that may have it; tpm-tofu when never said.' }),
};
