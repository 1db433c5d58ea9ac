import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { EdgectlError } from '../errors/error.js';
import { oneLine } from '../util/escape.js';
import { mapLimit } from '../util/map-limit.js';
import { nodeClasses } from './enrolled.js';

const secretSchema = z.strictObject({
  schema: z.literal(1),
  name: z.string(),
  /** 1, 2, … : the newest. */
  generation: z.number().int().positive(),
  state: z.enum(['live', 'removed']),
  /** Selector of the nodes that have it. */
  for: z.string(),
  /** Units that may load it as a credential. */
  units: z.array(z.string()),
  /** `uid:gid` of the file on the node. */
  owner: z.string(),
  mode: z.enum(['0400', '0440']),
  /** The weakest class of node that may have it. */
  require: z.enum(nodeClasses),
  setAt: z.string(),
});
/** A secret as the repository keeps it, without its value. */
export type SecretEntry = z.infer<typeof secretSchema>;

const base64 = z.string().regex(/^[A-Za-z0-9+/]+=*$/);
const sealedSchema = z.strictObject({
  node: z.string(),
  /** Counter value up to which it opens; 0 without a TPM. */
  floor: z.number().int().nonnegative(),
  manifest: z.string(),
  signature: z.string(),
  key: z
    .union([z.strictObject({ pub: base64, dup: base64, seed: base64 }), z.strictObject({ age: base64 })])
    .optional(),
});
/** What one node gets of one generation: its manifest and its sealed key; no key when the secret is taken away. */
export type SealedForNode = z.infer<typeof sealedSchema>;

const deliverySchema = z.strictObject({
  schema: z.literal(1),
  node: z.string(),
  /** What the node said last. */
  at: z.string(),
  counter: z.number().int().nonnegative(),
  secrets: z.record(z.string(), z.strictObject({ generation: z.number().int(), opens: z.boolean(), why: z.string() })),
});
/** What a node told of the secrets that it has: a report, not an order; nothing is decided by it but what is left to deliver. */
export type Delivery = z.infer<typeof deliverySchema>;

const auditSchema = z.strictObject({
  schema: z.literal(1),
  node: z.string(),
  lines: z.number().int().nonnegative(),
  /** SHA-256 of the last line, hex; empty for none. */
  head: z.string(),
  at: z.string(),
});
/** How far a node's audit file was seen: what stands before that can never read differently again. */
export type AuditHead = z.infer<typeof auditSchema>;

/** The secrets of a fleet repository: ciphertext and public data only. */
export class SecretStore {
  constructor(private readonly dir: string) {}

  /** Names of all secrets, removed ones too. */
  async names(): Promise<string[]> {
    const names = await list(path.join(this.dir, 'secrets'));
    return names.filter((name) => isSecretName(name)).sort();
  }

  async entry(name: string): Promise<SecretEntry | undefined> {
    return readJson(path.join(this.dir, 'secrets', name, 'secret.json'), secretSchema);
  }

  async entries(): Promise<SecretEntry[]> {
    const entries = await Promise.all((await this.names()).map((name) => this.entry(name)));
    return entries.filter((entry) => entry !== undefined);
  }

  /** The ciphertext of a generation: an age file. */
  async bundle(entry: Pick<SecretEntry, 'name' | 'generation'>): Promise<Buffer> {
    return readFile(path.join(this.#generation(entry), 'bundle.age'));
  }

  async sealed(entry: Pick<SecretEntry, 'name' | 'generation'>): Promise<SealedForNode[]> {
    const dir = path.join(this.#generation(entry), 'nodes');
    const files = (await list(dir)).filter((name) => name.endsWith('.json')).sort();
    const all = await Promise.all(files.map((name) => readJson(path.join(dir, name), sealedSchema)));
    return all.filter((one) => one !== undefined);
  }

  /** Writes a new generation; the entry comes last, so that a half-written one does not count. Older generations go. */
  async put(entry: SecretEntry, bundle: Buffer | undefined, sealed: readonly SealedForNode[]): Promise<void> {
    const dir = this.#generation(entry);
    await rm(dir, { recursive: true, force: true });
    await mkdir(path.join(dir, 'nodes'), { recursive: true });
    if (bundle !== undefined) await writeFileAtomic(path.join(dir, 'bundle.age'), bundle);
    await mapLimit(sealed, 32, async (one) => await writeJson(path.join(dir, 'nodes', `${one.node}.json`), one));
    const home = path.join(this.dir, 'secrets', entry.name);
    await writeJson(path.join(home, 'secret.json'), entry);
    for (const name of await list(home))
      if (/^\d+$/.test(name) && Number(name) < entry.generation)
        await rm(path.join(home, name), { recursive: true, force: true });
  }

  async delivery(node: string): Promise<Delivery | undefined> {
    return readJson(path.join(this.dir, 'deliveries', `${node}.json`), deliverySchema);
  }

  async putDelivery(delivery: Delivery): Promise<void> {
    await mkdir(path.join(this.dir, 'deliveries'), { recursive: true });
    await writeJson(path.join(this.dir, 'deliveries', `${delivery.node}.json`), delivery);
  }

  async audited(node: string): Promise<AuditHead | undefined> {
    return readJson(path.join(this.dir, 'audit', `${node}.json`), auditSchema);
  }

  async putAudited(head: AuditHead): Promise<void> {
    await mkdir(path.join(this.dir, 'audit'), { recursive: true });
    await writeJson(path.join(this.dir, 'audit', `${head.node}.json`), head);
  }

  #generation(entry: Pick<SecretEntry, 'name' | 'generation'>): string {
    return path.join(this.dir, 'secrets', entry.name, String(entry.generation));
  }
}

/** Can a secret be called so? It becomes a file name, and the name of a systemd credential. */
export function isSecretName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,63}$/.test(name);
}

/** Throws USAGE when a secret cannot be called so. */
export function checkSecretName(name: string): void {
  if (isSecretName(name)) return;
  throw new EdgectlError('USAGE', {
    message: `A secret cannot be called ${JSON.stringify(name)}: a-z, 0-9, ".", "_" and "-", 64 characters at most.`,
  });
}

async function list(dir: string): Promise<string[]> {
  return readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}

async function readJson<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? oneLine(z.prettifyError(cause)) : 'it is not JSON';
    throw new EdgectlError('CONFIG_INVALID', { message: `${file} cannot be read: ${why}`, cause });
  }
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`);
}
