/** The ssh2 module, loaded when the first connection is made: it costs 50 ms of start-up. */
export type Ssh2 = typeof import('ssh2');

/** Load ssh2 (a CommonJS module, so its exports are the default one). */
export async function loadSsh2(): Promise<Ssh2> {
  return (await import('ssh2')).default;
}
