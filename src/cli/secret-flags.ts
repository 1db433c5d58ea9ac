import { Flags } from '@oclif/core';

/** What {@link secretFlags} leave when they were read. */
export interface SecretFlags {
  for?: string | undefined;
  unit?: string[] | undefined;
  owner?: string | undefined;
  mode?: '0400' | '0440' | undefined;
  require?: 'software' | 'tpm-tofu' | 'tpm' | 'tpm-pinned' | undefined;
}

/** Flags that say for whom a secret is. */
export const secretFlags = {
  for: Flags.string({ helpValue: 'SELECTOR', summary: 'Nodes that get it; as before when absent.' }),
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
