import { relativePath } from './drivers/schema.js';
import { invalid } from './invalid.js';

/** A line of MANIFEST. */
export type ManifestEntry =
  { type: 'file'; path: string; sha256: string; mode: number } | { type: 'link'; path: string; target: string };

/** MANIFEST text: one line for each file and link, in C order of their paths (node protocol, section 4). Pure. */
export function renderManifest(entries: readonly ManifestEntry[]): string {
  return [...entries]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map((entry) =>
      entry.type === 'file'
        ? `${entry.sha256} ${entry.mode.toString(8)} ${entry.path}\n`
        : `link ${entry.target} ${entry.path}\n`,
    )
    .join('');
}

/** Reads a MANIFEST. Throws BUNDLE_INVALID with the line that is wrong. */
export function parseManifest(text: string): ManifestEntry[] {
  if (!text.endsWith('\n')) throw invalid('MANIFEST is cut off.');
  const entries = text
    .slice(0, -1)
    .split('\n')
    .map((line): ManifestEntry => {
      const words = line.split(' ');
      const [first = '', second = '', path = ''] = words;
      if (words.length !== 3 || !relativePath.safeParse(path).success || path === 'MANIFEST') {
        throw invalid(`MANIFEST has a line that cannot be read: ${line.slice(0, 200)}`);
      }
      if (first === 'link') return { type: 'link', path, target: second };
      if (!/^[0-9a-f]{64}$/.test(first) || !/^[0-7]{3}$/.test(second)) {
        throw invalid(`MANIFEST has a line that cannot be read: ${line.slice(0, 200)}`);
      }
      return { type: 'file', path, sha256: first, mode: Number.parseInt(second, 8) };
    });
  entries.forEach((entry, index) => {
    const before = entries[index - 1];
    if (before !== undefined && !(before.path < entry.path)) throw invalid(`MANIFEST is not sorted at ${entry.path}.`);
  });
  return entries;
}
