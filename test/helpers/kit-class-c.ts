import { execFileSync } from 'node:child_process';
import type { Stats } from 'node:fs';
import {
  chmodSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import { symlinkSync, truncateSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxNode, SandboxOptions } from './kit-sandbox.js';
import { createSandboxNode, toyDriver, toyScript } from './kit-sandbox.js';
import type { KitBundle } from './kit-signer.js';
import { put, sha256 } from './kit-signer.js';
import { until } from './until.js';

/*
 * A runtime of class C for the tests: the toy, with a state directory that each major version migrates on its start and that an older
 * version refuses to start on.
 */

/** Where it keeps its state, seen from the node's root. */
export const stateDir = 'var/lib/toy';

/** Its driver; other state directories replace the one that it has. */
export function stateDriver(dirs: readonly string[] = [`/${stateDir}`]): string {
  const states = dirs.map((dir, index) => `state.${index + 1}=${dir}\n`).join('');
  return toyDriver.replace('class=B', 'class=C').replace('version-probe=', `${states}version-probe=`);
}

/** A daemon that migrates its state; `extra` runs after the migration. */
export function stateScript(version: string, extra = ''): string {
  const major = version.split('.')[0] ?? '0';
  return toyScript(
    version,
    `db="$root/${stateDir}"
  schema=$(cat "$db/schema" 2>/dev/null || echo 0)
  [ "$schema" -le ${major} ] || { echo "the state is of schema $schema, this is ${version}" >&2; exit 1; }
  if [ "$schema" -lt ${major} ]; then
    mkdir -p "$db/data/index-${major}"
    rm -f "$db/data/rows.idx" "$db/current"
    echo 'rewritten by ${version}' >"$db/data/rows"
    ln -s data/index-${major} "$db/current"
    echo ${major} >"$db/schema"
  fi
  ${extra}`,
  );
}

/** A signed bundle of it. */
export function stateRuntime(node: SandboxNode, version: string, extra = '', driver = stateDriver()): KitBundle {
  return node.runtime(version, { daemon: stateScript(version, extra), driver });
}

/** A sandbox node on which version 1.0 runs with state of schema 1. */
export async function createStateNode(options: SandboxOptions = {}): Promise<SandboxNode> {
  const node = await createSandboxNode({ ...options, bare: true });
  fillState(node.path(stateDir));
  put(node.path('usr/bin/toy'), stateScript('1.0'), 0o755);
  put(
    node.path('etc/lab-init/units/toy.service.unit'),
    'exec=$ROOT/usr/bin/toy serve\nenabled=1\nrestart=always\nkill=process\n',
  );
  await node.init.unit('toy.service').start();
  await until('version 1.0 runs', () => node.running() === '1.0');
  return node;
}

/** State of schema 1 with everything in it that a copy could lose. */
export function fillState(dir: string): void {
  put(join(dir, 'schema'), '1\n');
  put(join(dir, 'data/rows'), `${'row of the first schema\n'.repeat(5000)}\u0000\u0001\u00ff without an end`, 0o600);
  put(join(dir, 'data/rows.idx'), 'index', 0o640);
  put(join(dir, 'data/sparse'), 'x');
  truncateSync(join(dir, 'data/sparse'), 1 << 20);
  linkSync(join(dir, 'data/rows'), join(dir, 'data/rows.hard'));
  symlinkSync('data/rows', join(dir, 'current'));
  symlinkSync('/nowhere/at all', join(dir, 'dangling'));
  mkdirSync(join(dir, 'empty dir'), { mode: 0o750 });
  put(join(dir, '.hidden'), '');
  put(join(dir, 'empty dir/ name with\nbreak'), 'odd');
  execFileSync('mkfifo', [join(dir, 'fifo')]);
  chmodSync(join(dir, 'data'), 0o2750);
  utimesSync(join(dir, '.hidden'), 1_000_000_000, 1_000_000_000);
  // Others can only be made by root.
  if (process.getuid?.() === 0) lchownSync(join(dir, 'data/rows.idx'), 65534, 65534);
}

/**
 * Everything that can be seen of a directory, sockets left out: type, mode, owner, link target, contents, which names are one file, and the
 * second in which it was changed (busybox keeps no fractions).
 */
export function fingerprint(dir: string): string[] {
  const first = new Map<number, string>();
  const lines: string[] = [];
  const walk = (at: string, rel: string): void => {
    const stat = lstatSync(at);
    if (stat.isSocket()) return;
    const same = stat.isFile() && stat.nlink > 1 ? (first.get(stat.ino) ?? rel) : '';
    if (same !== '') first.set(stat.ino, same);
    lines.push(
      [
        rel,
        stat.mode.toString(8),
        stat.uid,
        stat.gid,
        stat.isFile() ? Math.floor(stat.mtimeMs / 1000) : '',
        same,
        body(at, stat),
      ].join(' '),
    );
    if (stat.isDirectory()) for (const name of readdirSync(at).sort()) walk(join(at, name), `${rel}/${name}`);
  };
  walk(dir, '.');
  return lines;
}

function body(at: string, stat: Stats): string {
  if (stat.isSymbolicLink()) return `-> ${readlinkSync(at)}`;
  return stat.isFile() ? sha256(readFileSync(at)) : '';
}

/** Has this state been migrated by a version of this major? */
export function migratedTo(dir: string, major: number): boolean {
  try {
    return (
      readFileSync(join(dir, 'schema'), 'utf8') === `${major}\n` &&
      readlinkSync(join(dir, 'current')) === `data/index-${major}`
    );
  } catch {
    return false;
  }
}

/** Wait until nothing of a change is at work: its verdict is told before everything is tidied. */
export async function quiet(node: SandboxNode): Promise<void> {
  const busy = ['active', 'activating', 'deactivating'];
  await until('the change is tidied', () => !busy.includes(node.init.units()['edgectl-tx']?.state ?? ''));
}

/** What the kit has left beside a state directory; nothing, when all went well. */
export function leftovers(node: SandboxNode): string[] {
  const beside = listed(node.path('var/lib')).filter((name) => name.startsWith('toy.'));
  return [...beside, ...listed(node.path('var/lib/edgectl/held'))];
}

/** Snapshots that a node keeps. */
export function snapshots(node: SandboxNode): string[] {
  return listed(node.path('var/lib/edgectl/snap'));
}

function listed(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}
