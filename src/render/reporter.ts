import type { EventSink } from '../executor/events.js';
import type { Clock } from '../util/clock.js';
import { createNdjsonReporter } from './reporter-ndjson.js';
import type { Ticker } from './reporter-parts.js';
import { createPlainReporter } from './reporter-plain.js';
import { createTtyReporter } from './reporter-tty.js';
import { RunView } from './run-view.js';
import type { Ui } from './ui.js';

/** Draws a run. Give `sink` to the executor and `close()` when it is over. */
export interface RunReporter {
  sink: EventSink;
  /** What the events came to; for the summary. */
  view: RunView;
  /** Leaves the terminal as it was found. Idempotent. */
  close(): Promise<void>;
}

/** What a reporter draws with. */
export interface ReporterOptions {
  /** Progress for people. */
  stderr: NodeJS.WritableStream;
  /** Events for programs (`-o ndjson`). */
  stdout: NodeJS.WritableStream;
  /** True when standard error is a terminal that can be redrawn. */
  redraw: boolean;
  /** The output format of the command. */
  format: string;
  ui: Ui;
  clock: Clock;
  every?: Ticker;
}

/** The reporter for this command line: a redrawn block on a terminal, lines elsewhere, and events on standard output for `-o ndjson`. */
export function createRunReporter(options: ReporterOptions): RunReporter {
  const view = new RunView();
  const every = options.every ?? interval;
  const drawing = options.redraw
    ? createTtyReporter({ ...options, every }, view)
    : createPlainReporter({ ...options, every }, view);
  const reporters = options.format === 'ndjson' ? [createNdjsonReporter(options.stdout), drawing] : [drawing];
  return {
    view,
    sink: (event) => {
      view.apply(event);
      for (const reporter of reporters) reporter.event(event);
    },
    close: async () => {
      for (const reporter of reporters) await reporter.close();
    },
  };
}

const interval: Ticker = (ms, tick) => {
  const timer = setInterval(tick, ms);
  return () => clearInterval(timer);
};
