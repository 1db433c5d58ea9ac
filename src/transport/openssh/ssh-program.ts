import { mapLimit } from '../../util/map-limit.js';
import { run, type RunResult } from '../../process/run.js';
import { fail, ofBastion } from '../failure.js';
import { fingerprint } from '../fingerprint.js';
import { fileKnownHosts, type PinSource } from '../known-hosts/file.js';
import { defaultSshLimits, type SshLimits } from '../ssh/limits.js';
import type { Endpoint, TransportFailure } from '../types.js';
import { classifyForward, classifyLogin, parseSshLog, type SshLog } from './classify.js';
import type { CommonOptions } from './options.js';
import { RunDir } from './run-dir.js';

/** What the openssh transport is made of. */
export interface OpensshOptions {
  /** The fleet's known_hosts: ssh itself compares the keys. */
  knownHostsFile: string;
  env: Readonly<Record<string, string | undefined>>;
  limits?: Partial<SshLimits>;
  /** A configuration of the operator's own (`ssh -F`); without it the usual ones. */
  configFile?: string;
}

/** The way on from a bastion: what was asked of it, to ask again when ssh did not say why it failed. */
export interface Way {
  configFile: string;
  alias: string;
  bastion: string;
  /** The log of the ProxyCommand. */
  log: string;
}

/** Starts ssh processes and reads their logs. */
export class SshProgram {
  readonly limits: SshLimits;
  readonly #pins: PinSource;
  #dir: Promise<RunDir> | undefined;

  constructor(readonly options: OpensshOptions) {
    this.limits = { ...defaultSshLimits, ...options.limits };
    this.#pins = fileKnownHosts(options.knownHostsFile);
  }

  get common(): CommonOptions {
    const { connectMs, keepaliveMs } = this.limits;
    const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
    const { knownHostsFile } = this.options;
    return { knownHostsFile, connectS: seconds(connectMs), keepaliveS: seconds(keepaliveMs) };
  }

  /** `-F FILE` when the operator has one of their own. */
  get configArguments(): string[] {
    return this.options.configFile === undefined ? [] : ['-F', this.options.configFile];
  }

  dir(): Promise<RunDir> {
    return (this.#dir ??= RunDir.make(this.options.env));
  }

  /** Run ssh with a log; what it wrote there is parsed. */
  async ssh(
    args: readonly string[],
    how: Parameters<typeof run>[1] & { agent?: string | undefined },
  ): Promise<{ result: RunResult; log: SshLog }> {
    const dir = await this.dir();
    const file = dir.file('l');
    const { agent, ...options } = how;
    const env = { LC_ALL: 'C', SSH_ASKPASS: undefined, SSH_AUTH_SOCK: agent };
    const result = await run(['ssh', '-E', file, '-o', 'LogLevel=DEBUG2', ...args], { ...options, env });
    return { result, log: parseSshLog(await dir.take(file)) };
  }

  /** Start a master in the background; a failure when it does not come up. */
  async startMaster(
    endpoint: Endpoint,
    args: readonly string[],
    way: Way | undefined,
    signal: AbortSignal | undefined,
  ): Promise<TransportFailure | undefined> {
    const { connectMs, handshakeMs, idleMs } = this.limits;
    // It ends by itself when this process is killed; else it is told to, earlier.
    const persist = Math.ceil(idleMs / 1000) + 30;
    const master = ['-M', '-N', '-f', '-o', `ControlPersist=${persist}`, ...args];
    const timeoutMs = connectMs + handshakeMs;
    const { result, log } = await this.ssh(master, {
      timeoutMs,
      agent: endpoint.agent,
      ...(signal === undefined ? {} : { signal }),
    });
    if (result.status === 0) return undefined;
    return this.explain(endpoint, log, result, way);
  }

  /** Why an ssh did not log in. */
  async explain(
    endpoint: Endpoint,
    log: SshLog,
    result: Pick<RunResult, 'cancelled' | 'timedOut' | 'stderr'>,
    way: Way | undefined,
  ): Promise<TransportFailure> {
    if (result.cancelled) return fail('cancelled', 'cancelled', log.sent);
    const place = `${endpoint.host} port ${endpoint.port}`;
    if (way !== undefined && !log.answered) return this.#explainWay(endpoint, way);
    if (result.timedOut) {
      return fail(log.answered ? 'handshake-timeout' : 'connect-timeout', `${place} did not answer in time`, false);
    }
    const pins = await this.#pins.lookup(endpoint.nodeId);
    const pinned = pins.keys.map(({ key }) => fingerprint(Buffer.from(key, 'base64')));
    // Before it opens its log (a bad configuration file) ssh speaks on standard error.
    const messages = log.messages.length > 0 ? log.messages : result.stderr.split('\n').filter((line) => line !== '');
    return classifyLogin({ ...log, messages }, `${endpoint.nodeId} (${place})`, pinned);
  }

  async #explainWay(endpoint: Endpoint, way: Way): Promise<TransportFailure> {
    const place = `${endpoint.host} port ${endpoint.port}`;
    const dir = await this.dir();
    const known = classifyForward(parseSshLog(await dir.take(way.log)), place, way.bastion);
    if (known !== undefined) return known;
    // A master keeps the reason to itself; without one ssh tells it.
    const destination = `[${endpoint.host}]:${endpoint.port}`;
    const { log, result } = await this.ssh(
      ['-F', way.configFile, '-o', 'ControlPath=none', '-W', destination, way.alias],
      { timeoutMs: this.limits.connectMs, agent: endpoint.agent, maxOutput: 4096 },
    );
    const found = classifyForward(log, place, way.bastion);
    if (found !== undefined) return found;
    if (result.stdoutBytes.length > 0)
      return fail('closed', `${place} closed the connection (through bastion ${way.bastion})`, false);
    const message = `${place} did not answer bastion ${way.bastion}`;
    return result.timedOut
      ? fail('connect-timeout', message, false)
      : ofBastion(fail('closed', log.messages.at(-1) ?? message, false), way.bastion);
  }

  /** Is a master still there? */
  async alive(controlPath: string): Promise<boolean> {
    const { result } = await this.ssh(['-F', 'none', '-o', `ControlPath=${controlPath}`, '-O', 'check', 'x'], {
      timeoutMs: 5000,
    });
    return result.status === 0;
  }

  /** End masters, and wait until each has heard of it. */
  async end(controlPaths: readonly string[]): Promise<void> {
    await mapLimit(controlPaths, 16, async (path) => {
      await this.ssh(['-F', 'none', '-o', `ControlPath=${path}`, '-O', 'exit', 'x'], { timeoutMs: 5000 });
    });
  }

  /** Remove what it left on the disk. */
  async remove(): Promise<void> {
    await (await this.#dir)?.remove();
  }
}
