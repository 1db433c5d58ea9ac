import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Readable } from 'node:stream';
import { extract } from 'tar-stream';
import { invalid } from './invalid.js';
import { maxEntries, maxTextBytes, maxUnpackedBytes } from './limits.js';
import type { ManifestEntry } from './manifest.js';
import { parseManifest } from './manifest.js';

/** What a bundle archive holds, after every file was compared with MANIFEST. */
export interface InspectedBundle {
  manifest: ManifestEntry[];
  /** Text of `driver`. */
  driver: string;
  /** Bytes that it unpacks to. */
  unpacked: number;
}

/** Reads a whole archive as a node would, without writing anything: every line of MANIFEST holds and nothing else is there. Throws BUNDLE_INVALID. */
export async function inspectArchive(file: string): Promise<InspectedBundle> {
  const parser = extract();
  const feeding = pipeline(createReadStream(file), createGunzip(), parser);
  feeding.catch(() => undefined);
  const found = new Map<string, ManifestEntry>();
  const texts = new Map<string, string>();
  let unpacked = 0;
  try {
    for await (const member of parser) {
      const { name, type, size = 0, mode = 0, linkname = '' } = member.header;
      unpacked += size;
      if (unpacked > maxUnpackedBytes || found.size > maxEntries) throw invalid('The archive unpacks to too much.');
      if (found.has(name)) throw invalid(`The archive holds ${name} twice.`);
      const { sha256, text } = await readMember(
        member as unknown as Readable,
        name === 'MANIFEST' || name === 'driver',
      );
      if (text !== undefined) texts.set(name, text);
      if (type === 'file') found.set(name, { type: 'file', path: name, sha256, mode: mode & 0o7777 });
      else if (type === 'symlink') found.set(name, { type: 'link', path: name, target: linkname });
      else if (type !== 'directory')
        throw invalid(`The archive holds ${name}, which is neither a file nor a link (${type}).`);
    }
    await feeding;
  } catch (error) {
    parser.destroy();
    if (error instanceof Error && error.name === 'EdgectlError') throw error;
    throw invalid(`The archive cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const manifest = parseManifest(texts.get('MANIFEST') ?? '');
  found.delete('MANIFEST');
  compare(manifest, found);
  return { manifest, driver: texts.get('driver') ?? '', unpacked };
}

async function readMember(body: Readable, keep: boolean): Promise<{ sha256: string; text: string | undefined }> {
  const hash = createHash('sha256');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (keep && size > maxTextBytes) throw invalid('MANIFEST or driver is too large.');
    if (keep) chunks.push(chunk as Buffer);
  }
  return { sha256: hash.digest('hex'), text: keep ? Buffer.concat(chunks).toString('utf8') : undefined };
}

function compare(manifest: readonly ManifestEntry[], found: Map<string, ManifestEntry>): void {
  const key = (entry: ManifestEntry): string =>
    entry.type === 'file' ? `${entry.sha256} ${entry.mode}` : `link ${entry.target}`;
  for (const promised of manifest) {
    const there = found.get(promised.path);
    if (there === undefined) throw invalid(`${promised.path} is in MANIFEST, but not in the archive.`);
    if (key(there) !== key(promised))
      throw invalid(`${promised.path} is not what MANIFEST says.`, [
        `MANIFEST: ${key(promised)}`,
        `archive:  ${key(there)}`,
      ]);
    found.delete(promised.path);
  }
  const [extra] = found.keys();
  if (extra !== undefined) throw invalid(`${extra} is in the archive, but not in MANIFEST.`);
  if (!manifest.some((entry) => entry.path === 'driver')) throw invalid('The archive has no driver.');
}
