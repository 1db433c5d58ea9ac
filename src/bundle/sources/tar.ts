import { createReadStream, createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Header } from 'tar-stream';
import { extract } from 'tar-stream';
import { invalid } from '../invalid.js';
import { maxEntries, maxUnpackedBytes } from '../limits.js';
import type { SourceEntry } from './source.js';
import { normaliseName } from './source.js';

/** Lists a tar file that lies unpacked on disk. Throws BUNDLE_INVALID for unsafe names, too much, or no tar. */
export async function indexTar(file: string, label: string): Promise<SourceEntry[]> {
  // A later member of the same name replaces the earlier one, as when tar unpacks it.
  const entries = new Map<string, SourceEntry>();
  let total = 0;
  await eachMember(file, label, async (header, body) => {
    const name = normaliseName(header.name, label);
    total += header.size ?? 0;
    if (total > maxUnpackedBytes) throw invalid(`${label} unpacks to more than ${maxUnpackedBytes} bytes.`);
    if (entries.size >= maxEntries) throw invalid(`${label} has more than ${maxEntries} entries.`);
    if (name !== '') entries.set(name, entryOf(header, name, label));
    await drain(body);
  });
  return [...entries.values()];
}

/** Copies members of a tar file to new places; when a name occurs twice the last one counts, as tar does it. */
export async function extractTar(file: string, label: string, wanted: ReadonlyMap<string, string>): Promise<void> {
  await eachMember(file, label, async (header, body) => {
    const target = isFile(header) ? wanted.get(normaliseName(header.name, label)) : undefined;
    if (target === undefined) await drain(body);
    else await pipeline(body, createWriteStream(target, { flags: 'w' }));
  });
}

async function eachMember(
  file: string,
  label: string,
  visit: (header: Header, body: Readable) => Promise<void>,
): Promise<void> {
  const parser = extract();
  // The iterator of tar-stream holds the next member back until this one's body is drained.
  const feeding = pipeline(createReadStream(file), parser);
  feeding.catch(() => undefined);
  try {
    for await (const member of parser) await visit(member.header, member as unknown as Readable);
    await feeding;
  } catch (error) {
    parser.destroy();
    if (error instanceof Error && error.name === 'EdgectlError') throw error;
    throw invalid(`${label} is not a whole tar archive: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function entryOf(header: Header, path: string, label: string): SourceEntry {
  const common = { path, mode: (header.mode ?? 0) & 0o7777, size: isFile(header) ? (header.size ?? 0) : 0 };
  if (isFile(header)) return { ...common, type: 'file' };
  if (header.type === 'directory') return { ...common, type: 'directory' };
  if (header.type === 'symlink') return { ...common, type: 'symlink', target: header.linkname ?? '' };
  if (header.type === 'link')
    return { ...common, type: 'hardlink', target: normaliseName(header.linkname ?? '', label) };
  return { ...common, type: 'other' };
}

function isFile(header: Header): boolean {
  return header.type === 'file' || header.type === 'contiguous-file';
}

async function drain(body: Readable): Promise<void> {
  for await (const chunk of body) void chunk;
}
