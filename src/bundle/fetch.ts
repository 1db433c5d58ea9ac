import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { digestFile } from './durable.js';
import type { Get } from './http.js';
import { openDispatcher, type Proxies } from '../registry/dispatcher.js';
import { failed, getText } from './http.js';
import { maxArchiveBytes } from './limits.js';
import { continueDownload } from './resume.js';
import { parseStatement } from './statement.js';
import type { WritableBundleStore } from './store.js';
import type { StoredBundle } from './types.js';

/** Which bundle to fetch, and from where. */
export interface FetchRequest {
  /** `<base>/<digest>/{bundle.tar.gz,statement,statement.sig}`; http or https. */
  base: string;
  digest: string;
  store: WritableBundleStore;
  /** Checks the signature before the archive is fetched; throws when it is refused. */
  verify: (statement: string, signature: string) => Promise<unknown>;
  signal: AbortSignal;
  /** None when absent. */
  proxy?: Proxies;
  /** Milliseconds without a byte until a connection is given up. Default 30,000. */
  idleMs?: number;
  /** Connections in a row that may bring nothing. Default 4. */
  maxFruitless?: number;
  /** Waits between two connections; tests hand in their own. */
  pause: (ms: number) => Promise<void>;
  onProgress?: (bytes: number, total: number) => void;
}

const signatureBytes = 64 * 1024;

/**
 * Fetches a bundle into the store: statement and signature first, then the archive, continued where an earlier attempt ended.
 * Throws BUNDLE_FETCH_FAILED, BUNDLE_DIGEST_MISMATCH, BUNDLE_INVALID, or what `verify` throws. A bundle that is there is not fetched.
 */
export async function fetchBundle(request: FetchRequest): Promise<StoredBundle> {
  const present = await request.store.check(request.digest).catch(() => undefined);
  if (present !== undefined) return present;
  const base = new URL(`${request.base.replace(/\/+$/, '')}/${request.digest}/`);
  const dispatcher = await openDispatcher({ connectMs: 15_000, proxy: request.proxy ?? {} });
  const get: Get = { dispatcher, signal: request.signal, idleMs: request.idleMs ?? 30_000 };
  try {
    const statement = await getText(new URL('statement', base), signatureBytes, get);
    const promised = parseStatement(statement);
    if (promised.digest !== request.digest)
      throw failed(base, `its statement is about another bundle, ${promised.digest}`);
    if (promised.size > maxArchiveBytes)
      throw failed(base, `its statement promises ${promised.size} bytes, more than a bundle may have`);
    const signature = await getText(new URL('statement.sig', base), signatureBytes, get);
    await request.verify(statement, signature);
    const archive = await fetchArchive(request, new URL('bundle.tar.gz', base), promised.size, get);
    return await request.store.add({ archive, statement, signature });
  } finally {
    await dispatcher.destroy();
  }
}

async function fetchArchive(request: FetchRequest, url: URL, total: number, get: Get): Promise<string> {
  const parts = path.join(request.store.dir, '.parts');
  await mkdir(parts, { recursive: true, mode: 0o700 });
  const part = path.join(parts, `${request.digest}.part`);
  const tag = `${part}.validator`;
  let fruitless = 0;
  let best = await sizeOf(part);
  let spoiled = false;
  for (;;) {
    const have = await sizeOf(part);
    if (have === total) {
      const { digest } = await digestFile(part);
      if (digest === request.digest) break;
      await rm(part);
      // A part that two servers or two files made together is thrown away once; after that the server itself is wrong.
      if (spoiled)
        throw failed(
          url,
          'what it sends is not what the statement promises',
          [`promised: ${request.digest}`, `received: ${digest}`],
          'BUNDLE_DIGEST_MISMATCH',
        );
      spoiled = true;
      continue;
    }
    const validator = await readFile(tag, 'utf8').catch(() => undefined);
    const outcome = await continueDownload({ url, part, have, total, validator, get, onProgress: request.onProgress });
    if (outcome.validator !== undefined) await writeFile(tag, outcome.validator);
    if (outcome.error === undefined) continue;
    request.signal.throwIfAborted();
    // Measured against the furthest point ever: a server without ranges must not go to and fro for ever.
    const reached = await sizeOf(part);
    fruitless = reached > best ? 0 : fruitless + 1;
    best = Math.max(best, reached);
    if (fruitless >= (request.maxFruitless ?? 4))
      throw failed(url, outcome.error, [`${reached} of ${total} bytes are kept; the next attempt goes on from there`]);
    await request.pause(Math.min(200 * 2 ** fruitless, 5_000));
  }
  await rm(tag, { force: true });
  return part;
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    (found) => found.size,
    () => 0,
  );
}
