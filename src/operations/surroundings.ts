/** What an operation gets from outside; a command makes it from its context. */
export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>;
  homedir: string;
  /** Where private scratch directories may be made. */
  tmpdir: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Random bytes, hex. */
  randomHex: (bytes: number) => string;
  signal: AbortSignal;
  /** A terminal is there: a signing key may ask for its passphrase or a touch. */
  interactive: boolean;
  /** `edgectl <version>`, written into plans. */
  tool: string;
}
