import type { RunEvent } from '../executor/events.js';

/** One way to show events; the view has taken the event in already. */
export interface ReporterPart {
  event(event: RunEvent): void;
  close(): Promise<void>;
}

/** Calls a function again and again until the returned function is called. */
export type Ticker = (ms: number, tick: () => void) => () => void;
