import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../../src/process/run.js';
import { root } from './cli.js';
import type { Envelope, LabFleet } from './lab-fleet.js';
import { labFleet } from './lab-fleet.js';
import type { SoftwareTpm } from './swtpm.js';
import { TpmMaker } from './swtpm.js';

/** What a machine's firmware measures into PCR 7 at each boot, for a TPM without firmware. */
export const measured = '7:sha256=1111111111111111111111111111111111111111111111111111111111111111';

/** A lab fleet whose nodes have a software TPM each, and the operator's keys for secrets. */
export interface SecretFleet extends LabFleet {
  maker: TpmMaker;
  /** Node ids, in the order of their TPMs. */
  nodes: string[];
  tpms: SoftwareTpm[];
  /** Recovery identity files. */
  recovery: string[];
  /** Below a node's root. */
  nodeFile(node: string, ...below: string[]): string;
  /** Runs a command with bytes on standard input. */
  feed(input: Uint8Array, ...argv: string[]): Promise<{ exitCode: number; stdout: Buffer; stderr: string }>;
  feedJson(input: Uint8Array, ...argv: string[]): Promise<Envelope>;
  /** The kit of a node, as its units call it. */
  kit(node: string, ...argv: string[]): Promise<{ status: number | null; stdout: Buffer; stderr: string }>;
  /** Points a node at a TPM. */
  give(node: string, tpm: SoftwareTpm): Promise<void>;
}

/** Brings such a fleet up; with `count` TPMs made by a maker that the fleet pins. */
export async function secretFleet(count: number): Promise<SecretFleet> {
  const maker = await TpmMaker.create();
  const tpms: SoftwareTpm[] = [];
  for (let index = 0; index < count; index += 1) {
    const tpm = await maker.make(String(index));
    await tpm.run('tpm2_pcrextend', measured);
    tpms.push(tpm);
  }
  const fleet = await labFleet(count, 1);
  await maker.pinIn(path.join(fleet.dir, 'trust', 'tpm-ca'));
  const listed = await fleet.json('fleet', 'list');
  const nodes = (listed.envelope.result.nodes as { id: string }[]).map(({ id }) => id);
  const nodeFile = (node: string, ...below: string[]): string => path.join(fleet.lab, 'nodes', node, ...below);
  const give = async (node: string, tpm: SoftwareTpm): Promise<void> => {
    await writeFile(nodeFile(node, 'etc', 'edgectl', 'tpm.conf'), `tcti=${tpm.tcti}\n`);
  };
  for (const [index, node] of nodes.entries()) if (tpms[index]) await give(node, tpms[index]);
  const recovery: string[] = [];
  const recipients: string[] = [];
  await mkdir(path.join(fleet.home, 'offline'));
  for (const name of ['one', 'two']) {
    const file = path.join(fleet.home, 'offline', name);
    const made = await run(['age-keygen', '-o', file]);
    recovery.push(file);
    recipients.push(/age1\S+/.exec(made.stderr)?.[0] ?? '');
  }
  const keys = await fleet.edgectl('keys', 'init', '--secrets', ...recipients.flatMap((each) => ['--recovery', each]));
  if (keys.exitCode !== 0) throw new Error(`keys init: ${keys.stderr}`);
  const feed: SecretFleet['feed'] = async (input, ...argv) => {
    const child = spawn(process.execPath, [`${root}bin/run.js`, ...argv], {
      env: { PATH: process.env['PATH'], ...fleet.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    return collect(child);
  };
  return {
    ...fleet,
    maker,
    nodes,
    tpms,
    recovery,
    nodeFile,
    feed,
    give,
    feedJson: async (input, ...argv) => {
      const { stdout, stderr } = await feed(input, ...argv, '--json');
      if (stdout.length === 0) throw new Error(stderr);
      return JSON.parse(stdout.toString('utf8')) as Envelope;
    },
    kit: (node, ...argv) => {
      const child = spawn(nodeFile(node, 'usr', 'local', 'sbin', 'edgectl-node'), argv, {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      return collect(child).then(({ exitCode, ...rest }) => ({ status: exitCode, ...rest }));
    },
    close: async () => {
      await fleet.close();
      await maker.remove();
    },
  };
}

async function collect(child: ReturnType<typeof spawn>): Promise<{ exitCode: number; stdout: Buffer; stderr: string }> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)));
  });
  return { exitCode, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString('utf8') };
}
