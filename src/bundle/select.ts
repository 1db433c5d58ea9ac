import type { Driver } from './drivers/schema.js';
import { relativePath } from './drivers/schema.js';
import { invalid } from './invalid.js';
import { maxFileBytes } from './limits.js';
import type { PackSource, SourceEntry } from './sources/source.js';

/** A file or link that goes into a bundle. */
export type Picked =
  | { type: 'file'; to: string; from: string; kind: 'elf' | 'script' | 'data' | 'any'; executable: boolean }
  | { type: 'link'; to: string; target: string };

/** Chooses what a driver takes from a source; paths in `to` are below `files/`. Pure. Throws BUNDLE_INVALID. */
export function selectFiles(driver: Driver, source: PackSource): Picked[] {
  const tree = new SourceTree(source);
  const picked: Picked[] = [];
  for (const wanted of driver.files) {
    const sole = source.kind === 'program' && wanted === driver.files.find((file) => !file.optional);
    const from = sole ? source.entries[0]?.path : tree.first(wanted.from);
    if (from === undefined) {
      if (wanted.optional) continue;
      throw invalid(`${source.name} has no ${wanted.to.split('/').at(-1)}.`, [`looked for: ${wanted.from.join(', ')}`]);
    }
    picked.push({
      type: 'file',
      to: wanted.to,
      from: tree.file(from),
      kind: wanted.kind,
      executable: wanted.kind !== 'data',
    });
  }
  for (const wanted of driver.trees) {
    const from = tree.first(wanted.from);
    if (from !== undefined) picked.push(...tree.below(from, wanted.to));
    else if (!wanted.optional) throw invalid(`${source.name} has no directory ${wanted.from.join(' or ')}.`);
  }
  return picked.sort((a, b) => (a.to < b.to ? -1 : 1));
}

/** Path look-ups in a source, links resolved inside it and never beyond. */
class SourceTree {
  readonly #byPath: Map<string, SourceEntry>;

  constructor(private readonly source: PackSource) {
    this.#byPath = new Map(source.entries.map((entry) => [entry.path, entry]));
    for (const { path } of source.entries) this.#implyParents(path);
  }

  /** The first pattern that matches something. Two matches of one pattern are an error: nobody guesses which is meant. */
  first(patterns: readonly string[]): string | undefined {
    for (const pattern of patterns) {
      if (!/[*?]/.test(pattern)) {
        if (this.#resolve(pattern) !== undefined) return pattern;
        continue;
      }
      const expression = globExpression(pattern);
      const matches = [...this.#byPath.keys()].filter((path) => expression.test(path));
      if (matches.length > 1)
        throw invalid(`${this.source.name} has several files for ${pattern}.`, matches.slice(0, 10));
      if (matches[0] !== undefined) return matches[0];
    }
    return undefined;
  }

  /** The plain file behind a path; refuses what must not be packed. */
  file(path: string): string {
    const entry = this.#resolve(path);
    if (entry === undefined) throw invalid(`${path} in ${this.source.name} is a link to nothing.`);
    if (entry.type !== 'file') throw invalid(`${path} in ${this.source.name} is not a plain file (${entry.type}).`);
    this.#check(entry);
    return entry.path;
  }

  /** Everything below a directory; links inside it stay links when they stay inside. */
  below(dir: string, to: string): Picked[] {
    const root = this.#resolve(dir);
    if (root?.type !== 'directory') throw invalid(`${dir} is not a directory.`);
    const prefix = `${root.path}/`;
    const picked: Picked[] = [];
    for (const entry of this.source.entries) {
      if (!entry.path.startsWith(prefix) || entry.type === 'directory') continue;
      const inner = entry.path.slice(prefix.length);
      const target = `${to}/${inner}`;
      if (!relativePath.safeParse(target).success) throw invalid(`${entry.path} has a name that cannot be packed.`);
      if (entry.type === 'symlink') {
        const link = entry.target ?? '';
        const end = joinInside(inner.split('/').slice(0, -1), link);
        if (link.startsWith('/') || end === undefined || !/^[A-Za-z0-9._+@~/-]+$/.test(link)) {
          throw invalid(`the link ${entry.path} points out of ${dir}: ${link}`);
        }
        picked.push({ type: 'link', to: target, target: link });
      } else {
        const from = this.file(entry.path);
        const executable = ((this.#byPath.get(from)?.mode ?? 0) & 0o111) !== 0;
        picked.push({ type: 'file', to: target, from, kind: 'any', executable });
      }
    }
    return picked;
  }

  #check(entry: SourceEntry): void {
    if ((entry.mode & 0o6000) !== 0) throw invalid(`${entry.path} is setuid or setgid; a runtime bundle never is.`);
    if (entry.size > maxFileBytes) throw invalid(`${entry.path} is larger than ${maxFileBytes} bytes.`);
    if (entry.size === 0) throw invalid(`${entry.path} is empty.`);
  }

  /** Archives may leave directories out. */
  #implyParents(path: string): void {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      const dir = path.slice(0, at);
      if (this.#byPath.has(dir)) return;
      this.#byPath.set(dir, { path: dir, type: 'directory', mode: 0o755, size: 0 });
    }
  }

  #resolve(path: string): SourceEntry | undefined {
    let rest = path.split('/');
    let at: string[] = [];
    let hops = 0;
    while (rest.length > 0) {
      const next = [...at, rest[0] ?? ''];
      const entry = this.#byPath.get(next.join('/'));
      rest = rest.slice(1);
      if (entry?.type === 'symlink' || entry?.type === 'hardlink') {
        if (++hops > 40) throw invalid(`${path} in ${this.source.name} is a loop of links.`);
        const target = entry.target ?? '';
        const base = entry.type === 'hardlink' || target.startsWith('/') ? [] : at;
        const end = joinInside(base, target);
        if (end === undefined) throw invalid(`the link ${entry.path} points out of ${this.source.name}: ${target}`);
        rest = [...end, ...rest];
        at = [];
      } else {
        if (entry === undefined) return undefined;
        at = next;
      }
    }
    return this.#byPath.get(at.join('/'));
  }
}

/** A link's target as path parts from the root; undefined when it climbs out. */
function joinInside(base: readonly string[], target: string): string[] | undefined {
  const parts = [...base];
  for (const part of target.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts;
}

function globExpression(pattern: string): RegExp {
  const text = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
  return new RegExp(`^${text}$`);
}
