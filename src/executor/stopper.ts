import { setMaxListeners } from 'node:events';

import type { EdgectlError } from '../errors/error.js';
import type { RunEnd } from '../plan/run-summary.js';
import type { RunControls } from './types.js';

type StopReason = NonNullable<RunEnd['stopped']>;

/** Why and how hard an execution is being stopped; the first reason stays. */
export class Stopper {
  readonly #drain = new AbortController();
  readonly #detach = new AbortController();
  #reason: StopReason | undefined;
  #error: Error | undefined;

  constructor(controls: RunControls, said: (signal: string, hard: boolean) => void) {
    // Every node at work listens to both; a thousand of them are no leak.
    setMaxListeners(0, this.#drain.signal, this.#detach.signal);
    controls.onDrain((signal) => {
      this.stop(reasonOf(signal));
      said(signal, false);
    });
    controls.onDetach((signal) => {
      this.stop(reasonOf(signal));
      said(signal, true);
      this.#detach.abort(signal);
    });
  }

  /** No new step starts. */
  get draining(): boolean {
    return this.#drain.signal.aborted;
  }
  get detached(): boolean {
    return this.#detach.signal.aborted;
  }
  get drainSignal(): AbortSignal {
    return this.#drain.signal;
  }
  get detachSignal(): AbortSignal {
    return this.#detach.signal;
  }
  get reason(): StopReason | undefined {
    return this.#reason;
  }
  get error(): Error | undefined {
    return this.#error;
  }

  stop(reason: StopReason): void {
    this.#reason ??= reason;
    this.#drain.abort(reason);
  }

  /** An operator's error: what is in flight finishes, then the error is thrown. */
  fail(error: Error | EdgectlError): void {
    this.#error ??= error;
    this.stop('interrupt');
  }

  /** Another process has taken the run over: stop watching at once. */
  seize(error: EdgectlError): void {
    this.fail(error);
    this.#detach.abort('seized');
  }
}

function reasonOf(signal: string): StopReason {
  return signal === 'SIGINT' ? 'interrupt' : 'terminate';
}
