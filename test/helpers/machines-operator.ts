import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import type { CliOutcome } from './cli.js';
import { root, runCli } from './cli.js';

/** A person with a fleet repository, a journal and a bundle store of their own, who has nothing but the built program. */
export class Operator {
  readonly fleetDir: string;
  private env: Record<string, string>;

  constructor(
    private readonly lab: MachinesLab,
    name = 'operator',
  ) {
    const home = path.join(lab.dir, name);
    this.fleetDir = path.join(home, 'fleet');
    this.env = {
      HOME: home,
      XDG_STATE_HOME: path.join(home, 'state'),
      XDG_DATA_HOME: path.join(home, 'data'),
      XDG_CONFIG_HOME: path.join(home, 'config'),
      EDGECTL_FLEET: this.fleetDir,
    };
  }

  /** The same person with the same repository and keys on a computer whose journal is empty. */
  elsewhere(): Operator {
    const other = new Operator(this.lab, path.basename(path.dirname(this.fleetDir)));
    other.env = { ...this.env, XDG_STATE_HOME: path.join(this.lab.dir, 'elsewhere', 'state') };
    return other;
  }

  /** Runs a command; its outcome whatever it is. */
  run(...argv: string[]): Promise<CliOutcome> {
    return runCli(argv, { env: this.env });
  }

  /** Runs a command with text on standard input. */
  feed(input: string, ...argv: string[]): Promise<CliOutcome> {
    return runCli(argv, { env: this.env, input });
  }

  /** Runs a command that must succeed; the result of its JSON envelope. */
  async must<T = unknown>(...argv: string[]): Promise<T> {
    const outcome = await this.run(...argv, '--json');
    if (outcome.exitCode !== 0)
      throw new Error(`${argv.join(' ')}: ${outcome.exitCode}\n${outcome.stdout}\n${outcome.stderr}`);
    return (JSON.parse(outcome.stdout) as { result: T }).result;
  }

  /** Starts a command and leaves it to the caller to kill it. */
  start(...argv: string[]): { kill: () => void; ended: Promise<number | null>; output: () => string } {
    const env = { PATH: process.env['PATH'], ...this.env };
    const child = spawn(process.execPath, [`${root}bin/run.js`, ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    return { kill: () => child.kill('SIGKILL'), ended, output: () => text };
  }

  /** Writes a file of the fleet repository. */
  async write(name: string, text: string): Promise<void> {
    const file = path.join(this.fleetDir, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  /** Makes the fleet repository over the lab's machines, a signing key, pinned host keys, and puts the kit on every machine. */
  async takeOver(options: { prepare?: boolean; rings?: Readonly<Record<string, string>> } = {}): Promise<void> {
    await this.must('init', this.fleetDir, '--name', 'machines');
    const nodes = this.lab.nodes.map((node, n) => [
      node.id,
      { address: node.address, site: `site-${(n % 4) + 1}`, labels: { ring: options.rings?.[node.id] ?? 'late' } },
    ]);
    const sites = [1, 2, 3, 4].map((n) => [`site-${n}`, { region: 'lab' }]);
    const id = /^id: (.*)$/m.exec(await readFile(path.join(this.fleetDir, 'fleet.yaml'), 'utf8'))?.[1] ?? '';
    const document = {
      id,
      name: 'machines',
      defaults: { user: 'edgectl', identity: this.lab.identityFile },
      regions: { lab: {} },
      sites: Object.fromEntries(sites),
      nodes: Object.fromEntries(nodes),
    };
    await this.write('fleet.yaml', stringify(document));
    await this.must('keys', 'init');
    await this.write('known_hosts', this.lab.record.nodes.map((node) => `${node.id} ${node.hostKey}\n`).join(''));
    if (options.prepare === false) return;
    await this.must('node', 'prepare', ...this.lab.nodes.map((node) => node.id), '--login', 'root', '--yes');
  }

  /** Packs a source for a component; version and digest as runtimes.yaml wants them. */
  async pack(
    source: string,
    driver: string,
    ...more: string[]
  ): Promise<{ runtime: string; version: string; digest: string }> {
    const packed = await this.must<{ version: string; digest: string }>(
      'runtime',
      'pack',
      source,
      '--driver',
      driver,
      ...more,
    );
    return { runtime: driver, version: packed.version, digest: `sha256:${packed.digest}` };
  }
}
