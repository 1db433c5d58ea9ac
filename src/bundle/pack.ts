import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../errors/error.js';
import type { ArchiveItem } from './archive.js';
import { writeArchive } from './archive.js';
import { renderNodeDriver } from './drivers/render.js';
import type { Driver } from './drivers/schema.js';
import { elfArch, normaliseArch } from './elf.js';
import { invalid } from './invalid.js';
import { maxArchiveBytes } from './limits.js';
import type { ManifestEntry } from './manifest.js';
import { renderManifest } from './manifest.js';
import type { Picked } from './select.js';
import { selectFiles } from './select.js';
import { readHead } from './sources/decompress.js';
import { openSource } from './sources/open.js';
import type { PackSource } from './sources/source.js';
import { versionText } from './statement.js';
import { versionFromName } from './version.js';

/** What to pack. */
export interface PackRequest {
  driver: Driver;
  /** A directory, an archive, a .deb, or one program. */
  source: string;
  /** Overrides what the .deb or the file name says. */
  version?: string | undefined;
  /** Must agree with the programs' ELF headers; needed only when there are none. */
  arch?: string | undefined;
  /** A private, empty directory for intermediate files; the archive is left in it. */
  scratch: string;
}

/** A packed, unsigned bundle. */
export interface PackedBundle {
  component: string;
  version: string;
  arch: string;
  /** sha256 of the archive, hex. */
  digest: string;
  /** Bytes. */
  size: number;
  /** The archive, inside the scratch directory. */
  path: string;
  manifest: ManifestEntry[];
}

/** Packs a bundle: same input, same bytes. Nothing of the source is executed. Throws BUNDLE_INVALID or USAGE. */
export async function packBundle(request: PackRequest): Promise<PackedBundle> {
  return new Packing(request).run();
}

class Packing {
  readonly #driver: Driver;
  readonly #arches = new Map<string, string>();

  constructor(private readonly request: PackRequest) {
    this.#driver = request.driver;
  }

  async run(): Promise<PackedBundle> {
    const source = await this.#open();
    const picked = selectFiles(this.#driver, source);
    const staged = await this.#extract(source, picked);
    const version = this.#version(source);
    const arch = this.#arch(source);
    const text = renderNodeDriver(this.#driver);
    const manifest = await this.#manifest(picked, staged, text);
    const archive = path.join(this.request.scratch, 'bundle.tar.gz');
    const { digest, size } = await writeArchive(archive, items(picked, staged, text, renderManifest(manifest)));
    if (size > maxArchiveBytes) throw invalid(`The bundle is larger than ${maxArchiveBytes} bytes.`);
    return { component: this.#driver.component, version, arch, digest, size, path: archive, manifest };
  }

  async #open(): Promise<PackSource> {
    const scratch = path.join(this.request.scratch, 'source');
    await mkdir(scratch, { mode: 0o700 });
    return openSource(this.request.source, scratch);
  }

  /** Source path → copy in the scratch directory, checked for what the driver says it is. */
  async #extract(source: PackSource, picked: readonly Picked[]): Promise<Map<string, string>> {
    const dir = path.join(this.request.scratch, 'staged');
    await mkdir(dir, { mode: 0o700 });
    const copies = new Map<string, string>();
    for (const each of picked) {
      if (each.type === 'file' && !copies.has(each.from)) copies.set(each.from, path.join(dir, String(copies.size)));
    }
    await source.extract(copies);
    for (const each of picked) {
      const copy = each.type === 'file' ? copies.get(each.from) : undefined;
      if (each.type === 'file' && copy !== undefined) await this.#check(each, copy);
    }
    return copies;
  }

  async #check(file: Picked & { type: 'file' }, copy: string): Promise<void> {
    const head = await readHead(copy, 64);
    const isElf = head.subarray(0, 4).toString('latin1') === '\x7fELF';
    if (file.kind === 'script' && head.subarray(0, 2).toString('latin1') !== '#!') {
      throw invalid(`${file.from} should be a script, but does not begin with #!.`);
    }
    if (file.kind === 'elf' || (isElf && file.executable)) this.#arches.set(elfArch(head, file.from), file.from);
  }

  #arch(source: PackSource): string {
    const given = this.request.arch === undefined ? undefined : normaliseArch(this.request.arch);
    if (this.request.arch !== undefined && given === undefined) {
      throw new EdgectlError('USAGE', { message: `${this.request.arch} is not an architecture that edgectl knows.` });
    }
    const [found, ...more] = [...this.#arches];
    if (found === undefined) return given ?? source.arch ?? 'all';
    if (more.length > 0) {
      throw invalid(
        'The programs are for different architectures.',
        [...this.#arches].map(([arch, file]) => `${arch}: ${file}`),
      );
    }
    const claimed = given ?? source.arch;
    if (claimed !== undefined && claimed !== found[0]) {
      throw invalid(`${found[1]} is for ${found[0]}, not for ${claimed}.`, [
        given === undefined ? 'the package says another architecture' : '--arch says another architecture',
      ]);
    }
    return found[0];
  }

  #version(source: PackSource): string {
    const version = this.request.version ?? source.version ?? versionFromName(this.#driver, source.name);
    if (version === undefined) {
      throw new EdgectlError('USAGE', {
        message: `${source.name} does not say which version it is.`,
        hint: 'add --version',
      });
    }
    const parsed = versionText.safeParse(version);
    if (!parsed.success)
      throw new EdgectlError('USAGE', {
        message: `${JSON.stringify(version)} cannot be a version: ${versionText.description ?? 'letters, digits and . + ~ _ - only'}.`,
      });
    return version;
  }

  async #manifest(
    picked: readonly Picked[],
    staged: ReadonlyMap<string, string>,
    driver: string,
  ): Promise<ManifestEntry[]> {
    const sha256 = createHash('sha256').update(driver).digest('hex');
    const entries: ManifestEntry[] = [{ type: 'file', path: 'driver', sha256, mode: 0o644 }];
    for (const each of picked) {
      const at = `files/${each.to}`;
      if (each.type === 'link') entries.push({ type: 'link', path: at, target: each.target });
      else
        entries.push({
          type: 'file',
          path: at,
          sha256: await hashFile(staged.get(each.from) ?? ''),
          mode: modeOf(each),
        });
    }
    return entries;
  }
}

function items(
  picked: readonly Picked[],
  staged: ReadonlyMap<string, string>,
  driver: string,
  manifest: string,
): ArchiveItem[] {
  const dirs = new Set(['files']);
  for (const each of picked) {
    const parts = `files/${each.to}`.split('/').slice(0, -1);
    parts.forEach((_, index) => dirs.add(parts.slice(0, index + 1).join('/')));
  }
  const below: ArchiveItem[] = [...dirs].map((dir) => ({ type: 'directory', path: dir }));
  for (const each of picked) {
    const at = `files/${each.to}`;
    if (each.type === 'link') below.push({ type: 'link', path: at, target: each.target });
    else below.push({ type: 'file', path: at, source: staged.get(each.from) ?? '', mode: modeOf(each) });
  }
  below.sort((a, b) => (a.path < b.path ? -1 : 1));
  return [{ type: 'text', path: 'MANIFEST', text: manifest }, { type: 'text', path: 'driver', text: driver }, ...below];
}

function modeOf(file: Picked & { type: 'file' }): number {
  return file.executable ? 0o755 : 0o644;
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
