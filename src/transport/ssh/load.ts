import type * as module from 'ssh2';

/** What is used of the ssh2 module. */
export type Ssh2 = Pick<typeof module, 'Client' | 'OpenSSHAgent' | 'utils'>;

/** Load ssh2 when the first connection is made: it costs 50 ms of start-up. (CommonJS: its exports are the default one.) */
export async function loadSsh2(): Promise<Ssh2> {
  return (await import('ssh2')).default;
}
