import type { Duplex } from 'node:stream';
import { createInterface } from 'node:readline';
import type { Unit } from './unit.js';

/** What the lines on descriptor 3 can ask for. */
export interface InitOperations {
  readonly bootId: string;
  readonly stopping: boolean;
  unit(name: string): Unit;
  startTransient(name: string, capS: number, stopVerb: string, argv: readonly string[]): Promise<boolean>;
  armTimer(name: string, seconds: number, argv: readonly string[]): void;
  disarmTimer(name: string): void;
  timerArmed(name: string): boolean;
  processes(prefix: string): number[];
}

/** Answers one process's requests on descriptor 3: a line of percent-encoded words in, a line `ok …` or `err …` out. */
export class InitServer {
  readonly #socket: Duplex;
  readonly #init: InitOperations;

  constructor(socket: Duplex, init: InitOperations) {
    this.#socket = socket;
    this.#init = init;
  }

  /** Serve until the process closes its end. */
  serve(): void {
    this.#socket.on('error', () => undefined);
    const lines = createInterface({ input: this.#socket });
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      void this.#answer(line)
        .catch((error: unknown) => `err ${String(error).replaceAll('\n', ' ')}`)
        .then((answer) => {
          if (this.#socket.writable) this.#socket.write(`${answer}\n`);
        });
    });
  }

  async #answer(line: string): Promise<string> {
    const [verb = '', name = '', ...rest] = line.split(' ').map(decodeWord);
    switch (verb) {
      case 'start':
        await this.#init.unit(name).start();
        return 'ok';
      case 'stop':
        await this.#init.unit(name).stop();
        return 'ok';
      case 'restart':
        await this.#init.unit(name).restart();
        return 'ok';
      case 'show': {
        const state = this.#init.unit(name).state();
        return `ok ${state.state} ${state.pid} ${state.restarts} ${state.result}`;
      }
      case 'transient': {
        const [cap = '0', stopVerb = '', ...argv] = rest;
        return (await this.#init.startTransient(name, Number(cap), stopVerb, argv)) ? 'ok' : 'err exists';
      }
      case 'timer':
        this.#init.armTimer(name, Number(rest[0]), rest.slice(1));
        return 'ok';
      case 'timer-stop':
        this.#init.disarmTimer(name);
        return 'ok';
      case 'timer-active':
        return `ok ${this.#init.timerArmed(name) ? 'yes' : 'no'}`;
      case 'processes':
        return `ok ${this.#init.processes(name).join(' ')}`.trimEnd();
      case 'system':
        return `ok ${this.#init.stopping ? 'stopping' : 'running'}`;
      case 'boot-id':
        return `ok ${this.#init.bootId}`;
      case 'reload':
        return 'ok';
      default:
        return 'err unknown verb';
    }
  }
}

function decodeWord(word: string): string {
  return word === '%00' ? '' : decodeURIComponent(word);
}
