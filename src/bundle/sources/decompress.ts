import { open } from 'node:fs/promises';
import { run } from '../../process/run.js';
import { EdgectlError } from '../../errors/error.js';
import { invalid } from '../invalid.js';
import { maxUnpackedBytes } from '../limits.js';

/** What a file is, by its first bytes. */
export type Format = 'gzip' | 'xz' | 'zstd' | 'bzip2' | 'tar' | 'ar' | 'zip' | 'elf' | 'script' | 'page' | 'unknown';

const tools = { gzip: 'gzip', xz: 'xz', zstd: 'zstd', bzip2: 'bzip2' } as const;
const packages = { gzip: 'gzip', xz: 'xz-utils', zstd: 'zstd', bzip2: 'bzip2' } as const;

/** Tells a file's format from its content; names lie. */
export async function sniff(file: string): Promise<Format> {
  const head = await readHead(file, 512);
  if (head.length >= 2 && head.readUInt16BE(0) === 0x1f8b) return 'gzip';
  if (head.subarray(0, 6).toString('latin1') === '\xfd7zXZ\0') return 'xz';
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) return 'zstd';
  if (head.subarray(0, 3).toString('latin1') === 'BZh') return 'bzip2';
  if (head.subarray(0, 8).toString('latin1') === '!<arch>\n') return 'ar';
  if (head.subarray(0, 4).toString('latin1') === 'PK\x03\x04') return 'zip';
  if (head.subarray(0, 4).toString('latin1') === '\x7fELF') return 'elf';
  if (head.subarray(257, 262).toString('latin1') === 'ustar') return 'tar';
  const text = head.toString('latin1').trimStart();
  if (text.startsWith('#!')) return 'script';
  return /^<(!doctype|html|\?xml|error|head|body)/i.test(text) ? 'page' : 'unknown';
}

/** The first bytes of a file. */
export async function readHead(file: string, bytes: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Unpacks a compressed file into a new one with the system's tool, and no further than the limit in bytes. */
export async function decompress(
  file: string,
  format: keyof typeof tools,
  to: string,
  label: string,
  limit = maxUnpackedBytes,
): Promise<void> {
  const tool = tools[format];
  // A file size limit stops a decompression bomb at the disk, whatever the tool believes. Units of 512 bytes (POSIX ulimit).
  const script = 'command -v "$4" >/dev/null || exit 127; ulimit -f "$1" && exec "$4" -dc <"$2" >"$3"';
  const blocks = String(Math.ceil(limit / 512));
  const result = await run(['sh', '-c', script, 'sh', blocks, file, to, tool], { timeoutMs: 600_000 });
  if (result.status === 0) return;
  if (result.status === 127) {
    throw new EdgectlError('TOOL_MISSING', {
      message: `${tool} is not installed here.`,
      hint: `apt-get install ${packages[format]}`,
    });
  }
  if (result.status === null || /too large/i.test(result.stderr)) {
    throw invalid(`${label} unpacks to more than ${limit} bytes.`);
  }
  throw invalid(`${label} cannot be decompressed: ${result.stderr.trim().split('\n').at(-1) ?? ''}`);
}
