import { copyFile, mkdir, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../errors/error.js';
import { digestFile, syncPath, writeDurably } from './durable.js';
import { invalid } from './invalid.js';
import { maxTextBytes } from './limits.js';
import { parseStatement } from './statement.js';
import type { BundleStore, StoredBundle } from './types.js';

const chunkBytes = 256 * 1024;

/** A bundle to be added. */
export interface NewBundle {
  archive: string;
  statement: string;
  signature: string;
  /** Copy the archive; it is moved otherwise. */
  keep?: boolean;
}

/** Everything in a store; what cannot be read does not hide the rest. */
export interface ScannedStore {
  bundles: StoredBundle[];
  damaged: { digest: string; error: EdgectlError }[];
}

/** A store that can be added to. `list` leaves out what is damaged. */
export interface WritableBundleStore extends BundleStore {
  readonly dir: string;
  /** Adds a bundle in one step: it is there whole and on disk, or not at all. Adding it again changes nothing. Throws BUNDLE_DIGEST_MISMATCH. */
  add(bundle: NewBundle): Promise<StoredBundle>;
  /** Like `list`, and names what is damaged. */
  scan(): Promise<ScannedStore>;
  /** Reads an archive again and compares it with its statement. Throws BUNDLE_DIGEST_MISMATCH, BUNDLE_NOT_FOUND. */
  check(digest: string): Promise<StoredBundle>;
}

/** The store in a directory, which is made when something is added. */
export function openBundleStore(dir: string): WritableBundleStore {
  return new DirectoryStore(dir);
}

class DirectoryStore implements WritableBundleStore {
  /** Archives that were read whole and found good, by identity of the file. */
  readonly #good = new Map<string, string>();

  constructor(readonly dir: string) {}

  async list(): Promise<StoredBundle[]> {
    return (await this.scan()).bundles;
  }

  async scan(): Promise<ScannedStore> {
    const names = await readdir(this.dir).catch(() => []);
    const bundles: StoredBundle[] = [];
    const damaged: ScannedStore['damaged'] = [];
    for (const digest of names.filter((each) => /^[0-9a-f]{64}$/.test(each)).sort()) {
      try {
        const bundle = await this.get(digest);
        if (bundle === undefined) throw invalid(`${path.join(this.dir, digest)} has no statement or no signature.`);
        bundles.push(bundle);
      } catch (error) {
        if (!(error instanceof EdgectlError)) throw error;
        damaged.push({ digest, error });
      }
    }
    const key = (each: StoredBundle): string =>
      `${each.component} ${String(each.series).padStart(16, '0')} ${each.digest}`;
    return { bundles: bundles.sort((a, b) => (key(a) < key(b) ? -1 : 1)), damaged };
  }

  async get(digest: string): Promise<StoredBundle | undefined> {
    if (!/^[0-9a-f]{64}$/.test(digest)) return undefined;
    const home = path.join(this.dir, digest);
    const statement = await readText(path.join(home, 'statement'));
    const signature = await readText(path.join(home, 'statement.sig'));
    if (statement === undefined || signature === undefined) return undefined;
    const parsed = parseStatement(statement);
    if (parsed.digest !== digest) throw invalid(`The statement in ${home} is about ${parsed.digest}.`);
    return { ...parsed, path: path.join(home, 'bundle.tar.gz'), statement, signature };
  }

  async find(component: string, version: string, arch: string): Promise<StoredBundle | undefined> {
    const named = (await this.list()).filter((each) => each.component === component && each.version === version);
    const best = (wanted: string): StoredBundle | undefined => named.filter((each) => each.arch === wanted).at(-1);
    return best(arch) ?? best('all');
  }

  async *read(digest: string, offset: number, size?: number): AsyncGenerator<Uint8Array> {
    const bundle = await this.check(digest);
    const end = size === undefined ? bundle.size : Math.min(bundle.size, offset + size);
    const handle = await open(bundle.path, 'r');
    try {
      for (let at = offset; at < end;) {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(chunkBytes, end - at)), { position: at });
        if (bytesRead === 0) throw invalid(`${bundle.path} became shorter while it was read.`);
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  async check(digest: string): Promise<StoredBundle> {
    const bundle = await this.get(digest);
    const found = bundle && (await stat(bundle.path).catch(() => undefined));
    if (bundle === undefined || found === undefined) {
      throw new EdgectlError('BUNDLE_NOT_FOUND', { message: `The store has no bundle ${digest}.`, data: { digest } });
    }
    // A thousand nodes read the same archive: it is hashed once, and again when the file is another one.
    const identity = `${found.ino} ${found.size} ${found.mtimeMs}`;
    if (this.#good.get(digest) !== identity) {
      await expectDigest(bundle.path, bundle);
      this.#good.set(digest, identity);
    }
    return bundle;
  }

  async add(bundle: NewBundle): Promise<StoredBundle> {
    const statement = parseStatement(bundle.statement);
    await expectDigest(bundle.archive, statement);
    await mkdir(this.dir, { recursive: true });
    const scratch = await mkdtemp(path.join(this.dir, '.add-'));
    try {
      const archive = path.join(scratch, 'bundle.tar.gz');
      if (bundle.keep === true) await copyFile(bundle.archive, archive);
      else await rename(bundle.archive, archive).catch(() => copyFile(bundle.archive, archive));
      await syncPath(archive);
      await writeDurably(path.join(scratch, 'statement'), bundle.statement);
      await writeDurably(path.join(scratch, 'statement.sig'), bundle.signature);
      await syncPath(scratch);
      await this.#moveIn(scratch, statement.digest);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    return this.check(statement.digest);
  }

  async #moveIn(scratch: string, digest: string): Promise<void> {
    const home = path.join(this.dir, digest);
    try {
      await rename(scratch, home);
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      // Same digest, same archive: only the statement (a newer series, another signer) or a damaged copy can differ.
      const old = `${scratch}.old`;
      await rename(home, old);
      await rename(scratch, home);
      await rm(old, { recursive: true, force: true });
    }
    await syncPath(this.dir);
  }
}

async function expectDigest(file: string, promised: { digest: string; size: number }): Promise<void> {
  const found = await digestFile(file);
  if (found.digest === promised.digest && found.size === promised.size) return;
  throw new EdgectlError('BUNDLE_DIGEST_MISMATCH', {
    message: `${file} is not the bundle that its statement promises.`,
    lines: [`promised: ${promised.digest}, ${promised.size} bytes`, `found:    ${found.digest}, ${found.size} bytes`],
    data: { promised: promised.digest, found: found.digest },
  });
}

async function readText(file: string): Promise<string | undefined> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    if ((await handle.stat()).size > maxTextBytes) throw invalid(`${file} is too large.`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}
