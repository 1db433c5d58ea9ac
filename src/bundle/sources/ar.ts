import { open } from 'node:fs/promises';
import { invalid } from '../invalid.js';

/** A member of an ar archive: where its bytes lie in the file. */
export interface ArMember {
  name: string;
  offset: number;
  size: number;
}

/** Lists the members of an ar archive, the container of a .deb (deb(5): common format, short names). */
export async function listAr(file: string, label: string): Promise<ArMember[]> {
  const handle = await open(file, 'r');
  try {
    const { size: total } = await handle.stat();
    const members: ArMember[] = [];
    let at = 8;
    while (at + 60 <= total) {
      const { buffer } = await handle.read(Buffer.alloc(60), 0, 60, at);
      const text = buffer.toString('latin1');
      const size = Number(text.slice(48, 58).trim());
      if (text.slice(58) !== '`\n' || !Number.isInteger(size) || size < 0 || at + 60 + size > total) {
        throw invalid(`${label} is a damaged .deb: its member at byte ${at} is broken or cut off.`);
      }
      members.push({ name: text.slice(0, 16).trim().replace(/\/$/, ''), offset: at + 60, size });
      if (members.length > 64) throw invalid(`${label} has more members than a .deb can have.`);
      at += 60 + size + (size % 2);
    }
    return members;
  } finally {
    await handle.close();
  }
}
