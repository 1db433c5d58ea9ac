import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { run } from '../../src/process/run.js';
import { until } from './until.js';

/** A maker of software TPMs: an authority whose certificates a fleet can pin. */
export class TpmMaker {
  readonly #made: SoftwareTpm[] = [];

  private constructor(readonly dir: string) {}

  static async create(): Promise<TpmMaker> {
    // Short: the path of a socket has at most 107 bytes.
    const dir = await mkdtemp(path.join(tmpdir(), 'tpm-'));
    await mkdir(path.join(dir, 'ca'));
    const ca = (name: string): string => path.join(dir, 'ca', name);
    const settings = {
      statedir: ca(''),
      signingkey: ca('key.pem'),
      issuercert: ca('issuer.pem'),
      certserial: ca('serial'),
    };
    const text = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
    await writeFile(path.join(dir, 'ca.conf'), text.join(''));
    await writeFile(
      path.join(dir, 'ca.options'),
      '--platform-manufacturer edgectl\n--platform-version 1\n--platform-model test\n',
    );
    await writeFile(
      path.join(dir, 'setup.conf'),
      [
        `create_certs_tool = /usr/bin/swtpm_localca`,
        `create_certs_tool_config = ${path.join(dir, 'ca.conf')}`,
        `create_certs_tool_options = ${path.join(dir, 'ca.options')}`,
        '',
      ].join('\n'),
    );
    return new TpmMaker(dir);
  }

  /** Pins the authority that issues the endorsement keys' certificates in a folder; there once a TPM was made. */
  async pinIn(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await copyFile(path.join(this.dir, 'ca', 'issuer.pem'), path.join(folder, 'software-tpm.pem'));
  }

  /** Makes a TPM with certificates and switches it on; it listens at `socket` when that is given. */
  async make(name: string, socket?: string): Promise<SoftwareTpm> {
    const dir = path.join(this.dir, name);
    await mkdir(dir);
    const setup = ['--tpm2', '--tpmstate', dir, '--create-ek-cert', '--pcr-banks', 'sha256', '--overwrite'];
    const made = await run(['swtpm_setup', ...setup, '--config', path.join(this.dir, 'setup.conf')], {
      timeoutMs: 60_000,
    });
    if (made.status !== 0) throw new Error(`swtpm_setup: ${made.stdout}${made.stderr}`);
    const tpm = new SoftwareTpm(dir, socket);
    this.#made.push(tpm);
    await tpm.powerOn();
    return tpm;
  }

  /** Switches its TPMs off, also one that never came up, and removes everything. */
  async remove(): Promise<void> {
    for (const tpm of this.#made) await tpm.powerOff();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** One software TPM, and the stock tools that talk to it. */
export class SoftwareTpm {
  #process: ChildProcess | undefined;

  constructor(
    readonly dir: string,
    private readonly socket = path.join(dir, 's'),
  ) {}

  /** What TPM2TOOLS_TCTI has to be. */
  get tcti(): string {
    return `swtpm:path=${this.socket}`;
  }

  async powerOn(): Promise<void> {
    const { socket } = this;
    for (const file of [socket, `${socket}.ctrl`]) await rm(file, { force: true });
    const args = ['socket', '--tpm2', '--tpmstate', `dir=${this.dir}`, '--flags', 'not-need-init,startup-clear'];
    const ends = ['--ctrl', `type=unixio,path=${socket}.ctrl`, '--server', `type=unixio,path=${socket}`];
    const child = spawn('swtpm', [...args, ...ends], { stdio: 'ignore' });
    this.#process = child;
    await until('the software TPM answers', async () => {
      if (child.exitCode !== null) throw new Error(`swtpm ended with status ${child.exitCode}`);
      return existsSync(socket) && (await this.try('tpm2_getcap', 'properties-fixed')).status === 0;
    });
  }

  async powerOff(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill();
    await ended;
  }

  /** A path in the TPM's directory. */
  file(name: string): string {
    return path.join(this.dir, name);
  }

  read(name: string): Promise<Buffer> {
    return readFile(this.file(name));
  }

  async write(name: string, bytes: Uint8Array | string): Promise<void> {
    await writeFile(this.file(name), bytes);
  }

  /** Runs a tool in the TPM's directory; its standard output. Throws when it fails. */
  async run(program: string, ...args: string[]): Promise<Buffer> {
    const result = await this.try(program, ...args);
    if (result.status !== 0) throw new Error(`${program} ${args.join(' ')}: ${result.stderr}`);
    return result.stdoutBytes;
  }

  try(program: string, ...args: string[]): ReturnType<typeof run> {
    return run([program, ...args], { cwd: this.dir, env: { TPM2TOOLS_TCTI: this.tcti }, timeoutMs: 60_000 });
  }

  /** Forgets transient objects and sessions: there is no resource manager to do it. */
  async flush(): Promise<void> {
    for (const what of ['-t', '-l', '-s']) await this.run('tpm2_flushcontext', what);
  }
}
