import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FleetFinding } from './lint.js';

/** A private key is small; nothing larger is read. Bytes. */
const largestKey = 64 * 1024;
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----|AGE-SECRET-KEY-1/;

/** Private keys that lie in the repository, at its top or in keys/ or trust/. */
export async function findPrivateKeys(dir: string): Promise<FleetFinding[]> {
  const findings: FleetFinding[] = [];
  for (const folder of ['', 'keys', 'trust']) {
    const entries = await readdir(path.join(dir, folder)).catch(() => []);
    for (const entry of entries.sort()) {
      const file = path.join(folder, entry);
      const info = await stat(path.join(dir, file)).catch(() => undefined);
      if (info === undefined || !info.isFile() || info.size > largestKey) continue;
      const text = await readFile(path.join(dir, file), 'latin1').catch(() => '');
      if (privateKey.test(text)) {
        findings.push({
          level: 'error',
          rule: 'private-key',
          file,
          message: 'a private key does not belong into a fleet repository',
        });
      }
    }
  }
  return findings;
}
