import type { EventEmitter } from 'node:events';
import { setMaxListeners } from 'node:events';

/** How an execution is told that a person (or the system) wants it to end. */
export interface RunSignals {
  /** First signal: no new step starts, those in flight finish. Registering takes over from the default (abort at once). */
  onDrain(listener: (signal: NodeJS.Signals) => void): void;
  /** Second signal: stop watching; steps go on on the nodes. */
  onDetach(listener: (signal: NodeJS.Signals) => void): void;
}

const watched = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Counts signals: with an execution under way the first drains and the second detaches; else the first aborts. A third ends the process. */
export class SignalController implements RunSignals {
  readonly #abort = new AbortController();
  readonly #drain: ((signal: NodeJS.Signals) => void)[] = [];
  readonly #detach: ((signal: NodeJS.Signals) => void)[] = [];
  readonly #source: EventEmitter;
  readonly #giveUp: (code: number) => void;
  readonly #handlers = new Map<NodeJS.Signals, () => void>();
  #count = 0;
  #first: NodeJS.Signals | undefined;

  /** `giveUp` is called with the exit code when a person insists (third signal). */
  constructor(source: EventEmitter, giveUp: (code: number) => void) {
    this.#source = source;
    this.#giveUp = giveUp;
    // One listener for each call in flight: a thousand nodes are no leak.
    setMaxListeners(0, this.#abort.signal);
    for (const name of watched) this.#handlers.set(name, () => this.#receive(name));
  }

  /** Aborted by the first signal when nobody drains, else by the second. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The first signal that came, if any. */
  get received(): NodeJS.Signals | undefined {
    return this.#first;
  }

  /** 130 for Ctrl-C, 143 for SIGTERM and SIGHUP; undefined when no signal came. */
  get exitCode(): number | undefined {
    return this.#first === undefined ? undefined : signalExitCode(this.#first);
  }

  /** True when an execution ends by itself after a signal. */
  get drains(): boolean {
    return this.#drain.length > 0;
  }

  onDrain(listener: (signal: NodeJS.Signals) => void): void {
    this.#drain.push(listener);
  }

  onDetach(listener: (signal: NodeJS.Signals) => void): void {
    this.#detach.push(listener);
  }

  /** Starts to listen. */
  install(): void {
    for (const [name, handler] of this.#handlers) this.#source.on(name, handler);
  }

  /** Stops to listen; the default of the signals is back. */
  remove(): void {
    for (const [name, handler] of this.#handlers) this.#source.off(name, handler);
  }

  #receive(name: NodeJS.Signals): void {
    this.#count += 1;
    this.#first ??= name;
    if (this.#count === 1 && this.#drain.length > 0) {
      for (const listener of this.#drain) listener(name);
      return;
    }
    if (this.#count >= 3 || (this.#count === 2 && this.#abort.signal.aborted)) {
      this.#giveUp(signalExitCode(name));
      return;
    }
    for (const listener of this.#detach) listener(name);
    this.#abort.abort(name);
  }
}

/** The exit code of a command that a signal ended. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return signal === 'SIGINT' ? 130 : 143;
}
