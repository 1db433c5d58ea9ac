import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { normaliseArch } from '../elf.js';
import { invalid } from '../invalid.js';
import { maxTextBytes } from '../limits.js';
import type { ArMember } from './ar.js';
import { listAr } from './ar.js';
import { decompress, sniff } from './decompress.js';
import type { PackSource } from './source.js';
import { extractTar, indexTar } from './tar.js';

/** A Debian package as a source (deb(5)); its maintainer scripts are never run. `scratch` is a private, empty directory. */
export async function openDeb(file: string, scratch: string): Promise<PackSource> {
  const label = path.basename(file);
  const members = await listAr(file, label);
  const data = await memberTar(file, label, members, 'data.tar', scratch);
  const control = await readControl(await memberTar(file, label, members, 'control.tar', scratch), label, scratch);
  const version = control.get('version')?.replace(/^[0-9]+:/, '');
  const arch = control.get('architecture');
  const known = arch === undefined ? undefined : normaliseArch(arch);
  if (arch !== undefined && known === undefined) throw invalid(`${label} is for ${arch}, which edgectl does not know.`);
  return {
    kind: 'deb',
    name: label,
    ...(version === undefined ? {} : { version }),
    ...(known === undefined ? {} : { arch: known }),
    entries: await indexTar(data, label),
    extract: (wanted) => extractTar(data, label, wanted),
  };
}

async function memberTar(
  file: string,
  label: string,
  members: readonly ArMember[],
  name: string,
  scratch: string,
): Promise<string> {
  const member = members.find((each) => each.name === name || each.name.startsWith(`${name}.`));
  if (member === undefined || member.size === 0) throw invalid(`${label} is not a .deb: it has no ${name}.`);
  const raw = path.join(scratch, member.name.replace(/[^a-z0-9.]/g, '_'));
  const range = { start: member.offset, end: member.offset + member.size - 1 };
  await pipeline(createReadStream(file, range), createWriteStream(raw, { flags: 'wx' }));
  const format = await sniff(raw);
  if (format === 'tar') return raw;
  if (format !== 'gzip' && format !== 'xz' && format !== 'zstd' && format !== 'bzip2') {
    throw invalid(`${label}: ${member.name} is compressed in a way that edgectl does not know.`);
  }
  const tar = path.join(scratch, `${name}.unpacked`);
  await decompress(raw, format, tar, label);
  return tar;
}

async function readControl(tar: string, label: string, scratch: string): Promise<Map<string, string>> {
  const entry = (await indexTar(tar, label)).find((each) => each.path === 'control' && each.type === 'file');
  if (entry === undefined || entry.size > maxTextBytes)
    throw invalid(`${label} is not a .deb: it has no control file.`);
  const copy = path.join(scratch, 'control.text');
  await extractTar(tar, label, new Map([['control', copy]]));
  const fields = new Map<string, string>();
  for (const line of (await readFile(copy, 'utf8')).split('\n')) {
    const match = /^([A-Za-z-]+):[ \t]*(.*)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) fields.set(match[1].toLowerCase(), match[2].trim());
  }
  return fields;
}
