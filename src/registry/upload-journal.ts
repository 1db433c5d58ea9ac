import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { UploadJournal } from './upload.js';

/** Begun uploads in a directory, a file each, on disk before the next byte goes out. The places may carry a registry's secrets: 0600. */
export function fileUploadJournal(dir: string): UploadJournal {
  const file = (key: string): string => path.join(dir, createHash('sha256').update(key).digest('hex'));
  return {
    get: async (key) => {
      const text = await readFile(file(key), 'utf8').catch(() => '');
      const [named, location] = text.split('\n');
      return named === key && location !== undefined && location !== '' ? location : undefined;
    },
    put: async (key, location) => {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await writeFileAtomic(file(key), `${key}\n${location}\n`, { mode: 0o600 });
    },
    drop: async (key) => await rm(file(key), { force: true }),
  };
}
