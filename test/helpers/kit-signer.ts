import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  lstatSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';

/** A signed bundle for tests. */
export interface KitBundle {
  component: string;
  version: string;
  digest: string;
  bytes: Buffer;
  statement: string;
  signature: string;
}

/** What gives a run its authority on one node. */
export interface KitAuthority {
  run: string;
  slice: string;
  proof: string;
  statement: string;
  signature: string;
}

/** Values of a slice that a test wants to be different. */
export type SliceValues = Record<string, string | number>;

/** Lower-case hex sha256. */
export function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Signs plans and bundles with a real key and real ssh-keygen; its Merkle tree is written apart from the one in src on purpose. */
export class KitSigner {
  readonly allowedSigners: string;
  readonly fleet = 'fleet-test';
  #series = 1_000;

  constructor(
    readonly dir: string,
    readonly name = 'operator',
  ) {
    mkdirSync(dir, { recursive: true });
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', join(dir, name)]);
    const key = readFileSync(join(dir, `${name}.pub`), 'utf8').trim();
    this.allowedSigners = `${name} namespaces="edgectl-plan,edgectl-runtime,edgectl-kit,edgectl-policy" ${key}\n`;
  }

  /** An SSH signature over a text. */
  sign(namespace: string, text: string): string {
    return execFileSync('ssh-keygen', ['-Y', 'sign', '-q', '-n', namespace, '-f', join(this.dir, this.name)], {
      input: text,
      stdio: ['pipe', 'pipe', 'ignore'],
    }).toString();
  }

  /** The next series number. */
  series(): number {
    return ++this.#series;
  }

  /** A signed plan for one node; `others` are further nodes' slices in the same tree. */
  authority(node: string, run: string, values: SliceValues, others: readonly string[] = []): KitAuthority {
    const all: SliceValues = {
      'edgectl-slice': 1,
      'confirm.window': 20,
      emergency: 0,
      expires: 4_000_000_000,
      fleet: this.fleet,
      'health.cap': 15,
      'health.passes': 2,
      'health.window': 1,
      kind: 'update',
      node,
      run,
      series: this.series(),
      ...values,
    };
    const slice = lines(all);
    const { root, proof } = prove([slice, ...others], 0);
    const statement = lines({
      'edgectl-plan': 1,
      expires: all['expires'] ?? 0,
      fleet: all['fleet'] ?? '',
      root,
      run: all['run'] ?? '',
      series: all['series'] ?? 0,
    });
    return { run, slice, proof, statement, signature: this.sign('edgectl-plan', statement) };
  }

  /** A signed bundle of a directory that holds `driver` and `files/`. */
  bundle(
    source: string,
    component: string,
    version: string,
    values: SliceValues = {},
    namespace = 'edgectl-runtime',
  ): KitBundle {
    const dir = mkdtempSync(join(this.dir, 'bundle-'));
    cpSync(source, dir, { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(dir, 'MANIFEST'), manifest(dir));
    return this.signBytes(tarOf(dir), component, version, values, namespace);
  }

  /** A bundle statement over any bytes. */
  signBytes(
    bytes: Buffer,
    component: string,
    version: string,
    values: SliceValues = {},
    namespace = 'edgectl-runtime',
  ): KitBundle {
    const digest = sha256(bytes);
    const statement = lines({
      arch: 'all',
      component,
      'edgectl-bundle': 1,
      series: this.series(),
      sha256: digest,
      size: bytes.length,
      version,
      ...values,
    });
    return { component, version, digest, bytes, statement, signature: this.sign(namespace, statement) };
  }
}

/** `key=value` lines sorted by key in C order. */
export function lines(values: SliceValues): string {
  return Object.entries(values)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** A gzip-compressed ustar archive of a directory's contents. */
export function tarOf(dir: string): Buffer {
  return execFileSync(
    'tar',
    ['--format=ustar', '--owner=0', '--group=0', '-czf', '-', '-C', dir, ...readdirSync(dir).sort()],
    { maxBuffer: 1 << 28 },
  );
}

/** The MANIFEST of a directory. */
export function manifest(dir: string): string {
  const found: { path: string; line: string }[] = [];
  const walk = (at: string): void => {
    for (const name of readdirSync(at)) {
      const path = join(at, name);
      const stat = lstatSync(path);
      const rel = relative(dir, path);
      if (rel === 'MANIFEST') continue;
      if (stat.isDirectory()) walk(path);
      else if (stat.isSymbolicLink()) found.push({ path: rel, line: `link ${readlinkSync(path)} ${rel}` });
      else found.push({ path: rel, line: `${sha256(readFileSync(path))} ${(stat.mode & 0o777).toString(8)} ${rel}` });
    }
  };
  walk(dir);
  return found
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ line }) => `${line}\n`)
    .join('');
}

/** Write a file of a bundle or a node, with its directories. */
export function put(path: string, text: string, mode = 0o644): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
}

/** Root and proof of one leaf, from the text of the node protocol: leaf and node are hashed with their own prefixes. */
function prove(slices: readonly string[], index: number): { root: string; proof: string } {
  let level = slices.map((slice) => sha256(`leaf\n${slice}`));
  let proof = '';
  let at = index;
  while (level.length > 1) {
    const sibling = at ^ 1;
    const other = level[sibling];
    if (other !== undefined) proof += `${sibling < at ? 'L' : 'R'} ${other}\n`;
    const next: string[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i], level[i + 1]];
      next.push(right === undefined ? String(left) : sha256(`node\n${left}\n${right}\n`));
    }
    level = next;
    at >>= 1;
  }
  return { root: level[0] ?? '', proof };
}
