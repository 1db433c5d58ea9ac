import { createPrivateKey, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ParsedKey } from 'ssh2';
import type { Ssh2 } from './load.js';

/** A private key file as it can be used, or why it cannot; its public half is known when a `.pub` lies beside it. */
export interface IdentityFile {
  path: string;
  key: ParsedKey | undefined;
  publicBlob: Buffer | undefined;
  why: string | undefined;
  /** There is no such file. */
  absent: boolean;
}

/** Reads and parses key files, each once: parsing is dear (372 ms for a passphrase key's bcrypt). */
export class KeyStore {
  readonly #files = new Map<string, Promise<IdentityFile>>();

  constructor(private readonly ssh2: Ssh2) {}

  /** Load a key file. Never throws: what is wrong with it is said in `why`. */
  load(path: string): Promise<IdentityFile> {
    let loading = this.#files.get(path);
    if (loading === undefined) {
      loading = this.#read(path);
      this.#files.set(path, loading);
    }
    return loading;
  }

  async #read(path: string): Promise<IdentityFile> {
    const publicBlob = await this.#readPublic(`${path}.pub`);
    const unusable = (why: string): IdentityFile => ({ path, key: undefined, publicBlob, why, absent: false });
    let text: Buffer;
    try {
      text = await readFile(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return { ...unusable(`${path} is not there`), absent: true };
      return unusable(`${path} cannot be read (${code ?? 'error'})`);
    }
    const key = this.#parse(text);
    if (key instanceof Error) {
      return unusable(
        /encrypted/iu.test(key.message)
          ? `${path} is protected by a passphrase: add it to an agent (ssh-add ${path})`
          : `${path} is not a private key that can be used (${key.message})`,
      );
    }
    if (!key.isPrivateKey()) return unusable(`${path} holds a public key`);
    return { path, key: withDecodedKey(key), publicBlob: key.getPublicSSH(), why: undefined, absent: false };
  }

  async #readPublic(path: string): Promise<Buffer | undefined> {
    const text = await readFile(path).catch(() => undefined);
    if (text === undefined) return undefined;
    const key = this.#parse(text);
    return key instanceof Error ? undefined : key.getPublicSSH();
  }

  #parse(text: Buffer): ParsedKey | Error {
    const parsed = this.ssh2.utils.parseKey(text) as ParsedKey | ParsedKey[] | Error;
    return Array.isArray(parsed) ? (parsed[0] ?? new Error('no key in it')) : parsed;
  }
}

/**
 * The same key, decoded once: ssh2 decodes its PEM at every signature, which costs ten times the signature itself. The
 * hash is what ssh2 asks for; without one only Ed25519 (which has none, RFC 8709) is signed here.
 */
export function withDecodedKey(key: ParsedKey): ParsedKey {
  const decoded = createPrivateKey(key.getPrivatePEM());
  const plain = key.sign.bind(key);
  key.sign = (data, hash) => {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    if (typeof hash === 'string') return sign(hash, bytes, decoded);
    return key.type === 'ssh-ed25519' ? sign(null, bytes, decoded) : plain(data, hash);
  };
  return key;
}
