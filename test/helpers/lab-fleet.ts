import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, runCli, type CliOutcome } from './cli.js';

/** An envelope as CI reads it. */
export interface Envelope {
  schema: string;
  command: string;
  exitCode: number;
  runId?: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the shape is what the tests look at
  result?: any;
  error?: { code: string; message: string; hint?: string; exitCode: number };
}

/** A lab fleet of its own with everything that the CLI keeps for a user. */
export interface LabFleet {
  home: string;
  lab: string;
  dir: string;
  env: Record<string, string>;
  /** Bundle digests of lab-runtime by version. */
  digests: Record<string, string>;
  edgectl(...argv: string[]): Promise<CliOutcome>;
  json(...argv: string[]): Promise<{ exitCode: number; envelope: Envelope; stdout: string; stderr: string }>;
  /** Starts a command without waiting; `ended` has its exit code or signal. */
  start(...argv: string[]): {
    pid: number;
    kill(signal: NodeJS.Signals): void;
    stdout: () => string;
    stderr: () => string;
    ended: Promise<number | string>;
  };
  /** Makes desired state ask for a version. */
  want(version: string): Promise<void>;
  /** The version that a node runs, by its own word. */
  versions(): Promise<Record<string, string>>;
  close(): Promise<void>;
}

/** Short times and no soak; everything else as in production. One node at a time would only make tests slow. */
export const quickPolicy = `rehearsal: true
health: { window: 2s, passes: 2, cap: 20s, confirm: 20s }
stages:
  - name: canary
    nodeDeadline: 60s
    progressDeadline: 90s
    soak: 0s
  - name: rest
    concurrency: 8
    budget: { groupBy: none, maxUnavailable: 8 }
    nodeDeadline: 60s
    progressDeadline: 90s
    soak: 0s
ramp: { start: 8, factor: 2 }
`;

/** Brings a lab up with a policy \`quick\`. */
export async function labFleet(nodes: number, sites = 2): Promise<LabFleet> {
  const home = await mkdtemp(join(tmpdir(), 'edgectl-rollout-'));
  const lab = join(home, 'lab');
  const env: Record<string, string> = {
    HOME: home,
    XDG_STATE_HOME: join(home, 'state'),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_CONFIG_HOME: join(home, 'config'),
    EDGECTL_LAB_DIR: lab,
  };
  const dir = join(lab, 'fleet');
  const up = await runCli(['lab', 'up', '--nodes', String(nodes), '--sites', String(sites), '--json'], { env });
  if (up.exitCode !== 0) throw new Error(`lab up: ${up.stdout}${up.stderr}`);
  env['EDGECTL_FLEET'] = dir;
  await writeFile(join(dir, 'policies', 'quick.yaml'), quickPolicy);
  const original = await readFile(join(dir, 'runtimes.yaml'), 'utf8');
  const digests = Object.fromEntries(
    [...original.matchAll(/version: (\S+).*\n\W*digest: sha256:([0-9a-f]{64})/g)].map(([, version, digest]) => [
      version ?? '',
      digest ?? '',
    ]),
  );
  const edgectl = (...argv: string[]): Promise<CliOutcome> => runCli(argv, { env });
  const json: LabFleet['json'] = async (...argv) => {
    const outcome = await edgectl(...argv, '--json');
    return { ...outcome, envelope: JSON.parse(outcome.stdout) as Envelope };
  };
  return {
    home,
    lab,
    dir,
    env,
    digests,
    edgectl,
    json,
    start: (...argv) => {
      const child = spawn(process.execPath, [`${root}bin/run.js`, ...argv], {
        env: { PATH: process.env['PATH'], ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let [text, result] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (result += chunk.toString('utf8')));
      child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      const ended = new Promise<number | string>((resolve) =>
        child.on('close', (code, signal) => resolve(code ?? signal ?? '')),
      );
      return {
        pid: child.pid ?? 0,
        kill: (signal) => void child.kill(signal),
        stdout: () => result,
        stderr: () => text,
        ended,
      };
    },
    want: async (version) => {
      const digest = digests[version];
      if (digest === undefined) throw new Error(`no lab-runtime ${version}`);
      await writeFile(
        join(dir, 'runtimes.yaml'),
        `- runtime: lab-runtime\n  version: ${version}\n  digest: sha256:${digest}\n`,
      );
    },
    versions: async () => {
      const { envelope } = await json('node', 'facts');
      type Row = {
        id: string;
        components?: { managed: Record<string, { version: string }>; unmanaged: Record<string, string> };
      };
      return Object.fromEntries(
        (envelope.result.nodes as Row[]).map((row) => [
          row.id,
          row.components?.managed['lab-runtime']?.version ?? row.components?.unmanaged['lab-runtime'] ?? 'unseen',
        ]),
      );
    },
    close: async () => {
      await edgectl('lab', 'down');
      await rm(home, { recursive: true, force: true });
    },
  };
}
