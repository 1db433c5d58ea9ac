import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Machine } from '../../src/lab/machines/machine.js';
import type { SoftwareTpm, TpmMaker } from './swtpm.js';

const programs = ['tpm2', 'age', 'age-keygen'];
const tools = 'readpublic nvread nvreadpublic nvdefine nvincrement createprimary evictcontrol create load loadexternal quote certify startauthsession sessionconfig policysecret policypcr policynv policyauthorize activatecredential import unseal verifysignature flushcontext getcap createek'.split(' '); // prettier-ignore
const plugins = ['libtss2-tcti-swtpm.so.0', 'libtss2-tcti-device.so.0'];

/** Puts this computer's tpm2-tools and age into a machine that cannot fetch packages, with the libraries that it lacks. */
export async function installTpmTools(machine: Machine): Promise<void> {
  const bin = path.join(machine.root, 'usr/local/bin');
  await mkdir(bin, { recursive: true });
  const libraries = new Set<string>();
  const multiarch = execFileSync('gcc', ['-print-multiarch'], { encoding: 'utf8' }).trim();
  const needed = [
    ...programs.map((name) => execFileSync('which', [name], { encoding: 'utf8' }).trim()),
    ...plugins.map((name) => path.join('/usr/lib', multiarch, name)),
  ];
  for (const file of needed) {
    if (file.includes('.so')) libraries.add(file);
    else await cp(file, path.join(bin, path.basename(file)), { dereference: true });
    for (const match of libs(file)) libraries.add(match);
  }
  for (const library of libraries) {
    const there = [library, path.join('/usr/lib', multiarch, path.basename(library))];
    if (there.some((one) => existsSync(path.join(machine.root, one)))) continue;
    await cp(library, path.join(machine.root, '/usr/lib', multiarch, path.basename(library)), { dereference: true });
  }
  for (const tool of tools) await symlink('tpm2', path.join(bin, `tpm2_${tool}`));
  await machine.sh('ldconfig');
}

/** Gives a machine a TPM of its own: the socket lies in the one directory that both see. */
export async function giveTpm(machine: Machine, maker: TpmMaker): Promise<SoftwareTpm> {
  const shared = path.join(machine.record.dir, 'containerd', 'tpm');
  await mkdir(shared, { recursive: true });
  const tpm = await maker.make(machine.id, path.join(shared, 's'));
  await mkdir(path.join(machine.root, 'etc/edgectl'), { recursive: true });
  await writeFile(path.join(machine.root, 'etc/edgectl/tpm.conf'), 'tcti=swtpm:path=/var/lib/containerd/tpm/s\n');
  return tpm;
}

function libs(file: string): string[] {
  // A program that is linked statically has none, and ldd says so with status 1.
  try {
    const text = execFileSync('ldd', [file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return [...text.matchAll(/=> (\/\S+)/g)].map(([, library]) => library ?? '');
  } catch {
    return [];
  }
}
