import { invalid } from '../invalid.js';

/** One thing in a source, with a normalised path. */
export interface SourceEntry {
  /** Relative to the source's root, no `.` or `..`, no slash at either end. */
  path: string;
  type: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  /** Bytes of a file. */
  size: number;
  /** Where a link points, as written; for a hard link a normalised path. */
  target?: string;
}

/** What can be packed: a directory, an archive, a .deb, or one program. */
export interface PackSource {
  kind: 'directory' | 'archive' | 'deb' | 'program';
  /** File name without its directory. */
  name: string;
  /** What a .deb's control file says, its epoch left aside. */
  version?: string;
  arch?: string;
  entries: readonly SourceEntry[];
  /** Copies files to new places: source path → absolute destination, whose directory exists. */
  extract(wanted: ReadonlyMap<string, string>): Promise<void>;
}

/** A member's name in canonical form. Throws BUNDLE_INVALID for one that is absolute or climbs. `''` is the root itself. */
export function normaliseName(raw: string, where: string): string {
  if (raw.startsWith('/')) throw invalid(`${where} holds an absolute path: ${raw}`);
  if (raw.includes('\0')) throw invalid(`${where} holds a path with a NUL byte.`);
  const parts = raw.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw invalid(`${where} holds a path that climbs out of it: ${raw}`);
  return parts.join('/');
}
