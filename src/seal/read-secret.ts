import { EdgectlError } from '../errors/error.js';
import { Sensitive } from './sensitive.js';

/** Bytes that a secret may have. */
export const maxSecret = 64 * 1024;

/** What a secret is read from. */
export interface SecretSource {
  stream: NodeJS.ReadableStream & { isTTY?: boolean | undefined };
  /** Ends the wait. */
  signal?: AbortSignal;
  /** Bytes. */
  limit?: number;
}

/** Reads a secret, byte for byte, to the end of the stream: line breaks, NULs and all. Throws SECRET_INPUT when it is typed, empty, too large or cut off, INTERRUPTED. */
export async function readSecret(source: SecretSource): Promise<Sensitive<Buffer>> {
  // What is typed is echoed, and ends up in the terminal's scroll-back.
  if (source.stream.isTTY === true)
    throw refused('A secret is read from standard input, which is a terminal here.', { hint: pipeIt });
  const chunks: Buffer[] = [];
  try {
    await collect(source, chunks);
    const secret = Buffer.concat(chunks);
    if (secret.length === 0) throw refused('The secret is empty.', { hint: pipeIt });
    return new Sensitive(secret);
  } finally {
    for (const chunk of chunks) chunk.fill(0);
  }
}

const pipeIt = 'edgectl … < FILE';

/** By events and not by iteration: an iterator that waits for its next byte cannot be told to stop. */
async function collect({ stream, signal, limit = maxSecret }: SecretSource, chunks: Buffer[]): Promise<void> {
  const listeners = new Map<string, (given?: unknown) => void>();
  const interrupted = (): void => listeners.get('interrupted')?.();
  try {
    await new Promise<void>((resolve, reject) => {
      const cut = (cause?: unknown): void => reject(refused('Standard input broke off before its end.', { cause }));
      let size = 0;
      listeners.set('data', (given) => {
        if (!Buffer.isBuffer(given)) return reject(new TypeError('The stream was set to give text, not bytes.'));
        chunks.push(given);
        size += given.length;
        if (size > limit) reject(refused(`The secret is larger than ${limit} bytes.`));
      });
      listeners.set('end', () => resolve());
      listeners.set('error', cut);
      listeners.set('close', () => cut());
      listeners.set('interrupted', () => {
        reject(new EdgectlError('INTERRUPTED', { message: 'Interrupted while a secret was being read.' }));
      });
      for (const [event, listener] of listeners) stream.on(event, listener);
      signal?.addEventListener('abort', interrupted);
      if (signal?.aborted === true) interrupted();
    });
  } finally {
    signal?.removeEventListener('abort', interrupted);
    for (const [event, listener] of listeners) stream.removeListener(event, listener);
    // So that an open pipe does not keep the process alive.
    stream.pause();
  }
}

function refused(message: string, more: { hint?: string; cause?: unknown } = {}): EdgectlError {
  return new EdgectlError('SECRET_INPUT', { message, ...more });
}
