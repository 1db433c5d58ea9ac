import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ulid } from 'ulid';
import { loadDriver } from '../../src/bundle/drivers/load.js';
import type { Driver } from '../../src/bundle/drivers/schema.js';
import { packBundle } from '../../src/bundle/pack.js';
import { renderStatement } from '../../src/bundle/statement.js';
import { MerkleTree } from '../../src/plan/merkle.js';
import type { SliceFields } from '../../src/plan/slice.js';
import { planStatement, sliceText } from '../../src/plan/slice.js';
import { run } from '../../src/process/run.js';

const drivers = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', 'templates', 'drivers');

/** A signed bundle on the operator's side. */
export interface TestBundle {
  component: string;
  version: string;
  digest: string;
  size: number;
  path: string;
  statement: string;
  signature: string;
}

/** What a node needs to be told before it acts. */
export interface TestAuthority {
  run: string;
  slice: string;
  proof: string;
  statement: string;
  signature: string;
}

/** One fleet's signing key, as an operator holds it. */
export class Signer {
  private series = Date.now();

  private constructor(
    private readonly dir: string,
    readonly fleet: string,
    /** Text of the nodes' allowed_signers. */
    readonly allowedSigners: string,
  ) {}

  /** Makes a key for all namespaces in a directory of its own below `parent`. */
  static async create(parent: string, fleet = `fleet-${randomBytes(4).toString('hex')}`): Promise<Signer> {
    const dir = await mkdtemp(path.join(parent, 'signer-'));
    const key = path.join(dir, 'key');
    await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'operator', '-f', key]);
    const publicKey = (await readFile(`${key}.pub`, 'utf8')).trim();
    const namespaces = 'edgectl-plan,edgectl-runtime,edgectl-kit,edgectl-policy';
    return new Signer(dir, fleet, `operator namespaces="${namespaces}" ${publicKey}\n`);
  }

  /** Packs and signs what a source (.deb or directory) has for a component. */
  async bundle(
    component: string,
    source: string,
    options: { version?: string; driver?: (from: Driver) => Driver } = {},
  ): Promise<TestBundle> {
    const { driver } = await loadDriver(component, [drivers]);
    const scratch = await mkdtemp(path.join(this.dir, `${component}-`));
    const packed = await packBundle({
      driver: options.driver?.(driver) ?? driver,
      source,
      scratch,
      ...(options.version === undefined ? {} : { version: options.version }),
    });
    this.series += 1;
    const statement = renderStatement({ ...packed, series: this.series });
    return { ...packed, statement, signature: await this.sign('edgectl-runtime', statement) };
  }

  /** A containerd that answers like the genuine one of a package and is gone after some seconds. */
  async crashingContainerd(deb: string, seconds: number): Promise<TestBundle> {
    const { tree, version } = await crashingTree(this.dir, deb, seconds);
    return this.bundle('containerd', tree, {
      version,
      driver: (from) => ({
        ...from,
        files: [
          ...from.files.map((file) => (file.to === 'bin/containerd' ? { ...file, kind: 'script' as const } : file)),
          { to: 'bin/containerd-genuine', from: ['usr/bin/containerd-genuine'], kind: 'elf' as const, optional: false },
        ],
      }),
    });
  }

  /** Signs one plan over slices for several nodes; the authority of each. */
  async plan(
    nodes: readonly string[],
    fields: Omit<SliceFields, 'fleet' | 'node' | 'run' | 'series' | 'expires'> & { run?: string },
  ): Promise<Record<string, TestAuthority>> {
    this.series += 1;
    const { run: named, ...rest } = fields;
    const runId = named ?? ulid();
    const expires = Math.floor(Date.now() / 1000) + 86_400;
    const common = { ...rest, fleet: this.fleet, run: runId, series: this.series, expires };
    const slices = Object.fromEntries(nodes.map((node) => [node, sliceText({ ...common, node })]));
    const tree = new MerkleTree(slices);
    const statement = planStatement({ id: runId, fleet: { id: this.fleet }, series: this.series, expires }, tree.root);
    const signature = await this.sign('edgectl-plan', statement);
    return Object.fromEntries(
      nodes.map((node) => [
        node,
        { run: runId, slice: slices[node] ?? '', proof: tree.proof(node), statement, signature },
      ]),
    );
  }

  private async sign(namespace: string, text: string): Promise<string> {
    return must(['ssh-keygen', '-q', '-Y', 'sign', '-n', namespace, '-f', path.join(this.dir, 'key')], text);
  }
}

/** A directory with the containerd of a package behind a wrapper that ends it after some seconds. */
export async function crashingTree(
  parent: string,
  deb: string,
  seconds: number,
): Promise<{ tree: string; version: string }> {
  const tree = await mkdtemp(path.join(parent, 'crashing-'));
  await must(['dpkg-deb', '-x', deb, path.join(tree, 'deb')]);
  const bin = path.join(tree, 'usr/bin');
  await mkdir(bin, { recursive: true });
  await rename(path.join(tree, 'deb/usr/bin/ctr'), path.join(bin, 'ctr'));
  await rename(path.join(tree, 'deb/usr/bin/containerd'), path.join(bin, 'containerd-genuine'));
  await rm(path.join(tree, 'deb'), { recursive: true });
  const wrapper = `#!/bin/sh\n[ "\${1-}" = --version ] || (sleep ${seconds}; kill -9 $$) &\nexec "\${0%/*}/containerd-genuine" "$@"\n`;
  await writeFile(path.join(bin, 'containerd'), wrapper, { mode: 0o755 });
  const version = (await must(['dpkg-deb', '-f', deb, 'Version'])).trim().replace(/[+~-].*/u, '');
  return { tree, version };
}

async function must(argv: [string, ...string[]], input?: string): Promise<string> {
  const result = await run(argv, input === undefined ? {} : { input });
  if (result.status !== 0) throw new Error(`${argv.join(' ')}: ${result.stderr}`);
  return result.stdout;
}
