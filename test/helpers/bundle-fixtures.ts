import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { Header } from 'tar-stream';
import { parseDriver } from '../../src/bundle/drivers/load.js';
import type { Driver } from '../../src/bundle/drivers/schema.js';
import { elf } from './elf.js';

/** A driver of class A with one program and an optional tree. */
export const demoDriver: Driver = parseDriver(
  `component: demo
summary: a demo
class: A
files: [{to: bin/demo, from: [usr/bin/demo, bin/demo, '*/bin/demo'], kind: elf}]
trees: [{to: share/demo, from: [usr/share/demo], optional: true}]
version: {probe: [$ACTIVE/demo/files/bin/demo, --version]}
health: [[$ACTIVE/demo/files/bin/demo, --version]]
adopt: [{to: bin/demo, from: [/usr/bin/demo]}]
`,
  'demo.yaml',
);

/** A program for amd64 that tells itself apart by some text. */
export const program = (body = 'demo'): Buffer => elf({ machine: 62, body });

/** A directory of a test, and how to get fresh ones below it. */
export class Workshop {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'edgectl-bundle-'));
  #count = 0;

  /** An empty, private directory. */
  fresh(): string {
    const made = path.join(this.dir, String(++this.#count));
    mkdirSync(made, { mode: 0o700 });
    return made;
  }

  /** Writes a file below a fresh directory; its path. */
  file(name: string, content: Buffer | string): string {
    const file = path.join(this.fresh(), name);
    writeFileSync(file, content);
    return file;
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Members of a tar archive, honest or not. */
export type Member = Partial<Header> & { name: string; content?: Buffer | string };

/** A tar archive with exactly these members. */
export async function tarOf(members: readonly Member[]): Promise<Buffer> {
  const tar = pack();
  for (const { content = '', ...header } of members) {
    if (header.type === undefined || header.type === 'file') tar.entry(header, content);
    else tar.entry(header);
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The same in gzip. */
export async function tarGzOf(members: readonly Member[]): Promise<Buffer> {
  return gzipSync(await tarOf(members));
}
