import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Pack } from 'tar-stream';
import { pack as tarPack } from 'tar-stream';
import { invalid } from './invalid.js';

/** What goes into an archive, in this order. */
export type ArchiveItem =
  | { type: 'text'; path: string; text: string }
  | { type: 'file'; path: string; source: string; mode: number }
  | { type: 'link'; path: string; target: string }
  | { type: 'directory'; path: string };

/**
 * Writes a ustar archive in gzip whose bytes depend on nothing but its content (and on the zlib that Node brings): times, owners and the
 * gzip header are fixed. Returns its sha256 and size in bytes; the file is on disk when this resolves.
 */
export async function writeArchive(
  to: string,
  items: readonly ArchiveItem[],
): Promise<{ digest: string; size: number }> {
  const tar = tarPack();
  const hash = createHash('sha256');
  let size = 0;
  const seal = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      // Byte 9 of a gzip header names the operating system (RFC 1952); it would tell packers apart.
      const bytes = size === 0 && chunk.length > 9 ? Buffer.from(chunk) : chunk;
      if (size === 0 && bytes.length > 9) bytes[9] = 3;
      size += bytes.length;
      hash.update(bytes);
      done(null, bytes);
    },
  });
  const writing = pipeline(tar, createGzip({ level: 6 }), seal, createWriteStream(to, { flags: 'wx' }));
  const feeding = feed(tar, items).catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  });
  await Promise.all([writing, feeding]);
  const handle = await open(to, 'r');
  await handle.sync().finally(() => handle.close());
  return { digest: hash.digest('hex'), size };
}

async function feed(tar: Pack, items: readonly ArchiveItem[]): Promise<void> {
  for (const item of items) {
    checkLength(item);
    const common = { name: item.path, uid: 0, gid: 0, uname: '', gname: '', mtime: new Date(0) };
    if (item.type === 'text') {
      tar.entry({ ...common, mode: 0o644, type: 'file' }, item.text);
    } else if (item.type === 'directory') {
      tar.entry({ ...common, mode: 0o755, type: 'directory' });
    } else if (item.type === 'link') {
      tar.entry({ ...common, mode: 0o777, type: 'symlink', linkname: item.target });
    } else {
      const { size } = await stat(item.source);
      await pipeline(createReadStream(item.source), tar.entry({ ...common, mode: item.mode, type: 'file', size }));
    }
  }
  tar.finalize();
}

function checkLength(item: ArchiveItem): void {
  const last = item.path.split('/').at(-1) ?? '';
  // Plain ustar has 100 bytes for a name and 155 for what stands before it; busybox reads nothing longer.
  if (item.path.length > 150 || last.length > 90 || (item.type === 'link' && item.target.length > 100)) {
    throw invalid(`${item.path} is too long a name for a bundle.`);
  }
}
