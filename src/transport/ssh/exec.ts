import type { Client, ClientChannel } from 'ssh2';
import { fail } from '../failure.js';
import { quoteArgv } from '../quote.js';
import type { ExecRequest, ExecResult } from '../types.js';
import { Collector } from './collect.js';
import { pump } from './pump.js';

const defaultMaxOutput = 1024 * 1024;

/** Run one command on an open connection, within its deadline and output bound. Throws only what the stdin source throws. */
export function execOn(client: Client, where: string, request: ExecRequest): Promise<ExecResult> {
  return new Execution(client, where, request).run();
}

class Execution {
  readonly #stdout: Collector;
  readonly #stderr: Collector;
  #channel: ClientChannel | undefined;
  #exited: { status: number | null } | undefined;
  #done = false;
  #settle!: (result: ExecResult) => void;
  #throw!: (error: unknown) => void;

  constructor(
    private readonly client: Client,
    private readonly where: string,
    private readonly request: ExecRequest,
  ) {
    const max = request.maxOutput ?? defaultMaxOutput;
    this.#stdout = new Collector(max);
    this.#stderr = new Collector(max);
  }

  run(): Promise<ExecResult> {
    const { signal, timeoutMs, argv } = this.request;
    if (signal?.aborted === true) return Promise.resolve(fail('cancelled', 'cancelled', false));
    const command = quoteArgv(argv);
    return new Promise((resolve, reject) => {
      const cleanUp = (): void => {
        this.#done = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.client.removeListener('close', onLost);
        this.#channel?.close();
      };
      this.#settle = (result) => {
        if (this.#done) return;
        cleanUp();
        resolve(result);
      };
      this.#throw = (error) => {
        if (this.#done) return;
        cleanUp();
        reject(error instanceof Error ? error : new Error(String(error)));
      };
      const onAbort = (): void => this.#settle(fail('cancelled', 'cancelled while the command was running', true));
      const onLost = (): void => this.#lost();
      const timer = setTimeout(() => {
        this.#settle(fail('command-timeout', `${this.where}: no result within ${timeoutMs / 1000} s`, true));
      }, timeoutMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.client.once('close', onLost);
      this.#open(command);
    });
  }

  #open(command: string): void {
    try {
      this.client.exec(command, (error, channel) => {
        if (error !== undefined && error !== null) return this.#refused(error);
        if (this.#done) return channel.close();
        this.#channel = channel;
        this.#listen(channel);
        this.#feed(channel);
      });
    } catch (error) {
      this.#settle(fail('closed', `${this.where}: ${(error as Error).message}`, false));
    }
  }

  // A channel that sshd did not open (MaxSessions) carried nothing; any other error may have come after the request.
  #refused(error: Error & { reason?: unknown }): void {
    this.#settle(fail('closed', `${this.where}: ${error.message}`, error.reason === undefined));
  }

  #listen(channel: ClientChannel): void {
    const take = (into: Collector) => (chunk: Buffer) => {
      if (!this.#done && !into.push(chunk)) this.#success(true);
    };
    channel.on('data', take(this.#stdout));
    channel.stderr.on('data', take(this.#stderr));
    channel.on('exit', (status: number | null) => {
      this.#exited = { status };
    });
    channel.on('error', () => undefined);
    channel.on('close', () => (this.#exited === undefined ? this.#lost() : this.#success(false)));
  }

  #feed(channel: ClientChannel): void {
    pump(this.request.stdin, channel).catch((error: unknown) => this.#throw(error));
  }

  #lost(): void {
    this.#settle(fail('closed', `${this.where}: the connection was lost while the command was running`, true));
  }

  #success(truncated: boolean): void {
    const stdout = this.#stdout.bytes();
    const stderr = this.#stderr.bytes();
    this.#settle({ ok: true, status: this.#exited?.status ?? null, stdout, stderr, truncated });
  }
}
