import { open } from 'node:fs/promises';
import { EdgectlError } from '../errors/error.js';
import { Sensitive } from './sensitive.js';

/** Bytes that a password may have. */
const longest = 1024;

/** Reads a password from a file of one line that nobody but its owner may read, and its owner is us or root. Throws SUDO_PASSWORD_INPUT. */
export async function readPasswordFile(file: string, uid: number | undefined): Promise<Sensitive<Buffer>> {
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    throw refused(`${file} cannot be read (${error.code ?? error.message}).`);
  });
  try {
    // Of the open file, not of the name: what is checked is what is read.
    const stat = await handle.stat();
    if (!stat.isFile()) throw refused(`${file} is not a file.`);
    if ((stat.mode & 0o077) !== 0)
      throw refused(`${file} can be read by others (mode ${(stat.mode & 0o777).toString(8)}).`, `chmod 600 ${file}`);
    if (uid !== undefined && stat.uid !== uid && stat.uid !== 0) throw refused(`${file} belongs to somebody else.`);
    const buffer = Buffer.alloc(longest + 3);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return new Sensitive(passwordOf(buffer.subarray(0, bytesRead), file));
  } finally {
    await handle.close();
  }
}

/** A password as it was given: one line, without its end. Throws SUDO_PASSWORD_INPUT. */
export function passwordOf(bytes: Buffer, from: string): Buffer {
  const end = bytes.at(-1) === 0x0a ? (bytes.at(-2) === 0x0d ? -2 : -1) : bytes.length;
  const line = bytes.subarray(0, end);
  if (line.length === 0) throw refused(`${from} holds no password.`);
  if (line.length > longest) throw refused(`${from} holds more than ${longest} bytes.`);
  if (line.includes(0x0a) || line.includes(0x0d) || line.includes(0))
    throw refused(`${from} holds more than one line.`);
  return line;
}

function refused(message: string, hint?: string): EdgectlError {
  return new EdgectlError('SUDO_PASSWORD_INPUT', { message, ...(hint === undefined ? {} : { hint }) });
}
