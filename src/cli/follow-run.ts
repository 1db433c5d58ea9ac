import type { RunEvent } from '../executor/events.js';
import type { RunClock } from '../executor/clock.js';
import type { Journal } from '../journal/journal.js';
import { holderOf } from './run-record.js';

const pollMs = 500;
const batch = 1000;

/** How a run is followed. */
export interface Following {
  clock: Pick<RunClock, 'sleep'>;
  signal: AbortSignal;
  /** False: what there is, and no waiting. */
  wait: boolean;
}

/**
 * The events of a run from its beginning, read from the journal as another process writes them. Ends when nobody works on the run any more and everything
 * was read, or when `signal` is aborted. Progress inside of steps is not kept, so it does not come here.
 */
export async function* followRun(journal: Journal, run: string, how: Following): AsyncGenerator<RunEvent> {
  let seq = 0;
  for (;;) {
    // Asked before reading: what the holder wrote before it let go is read after.
    const over = !how.wait || (await holderOf(journal, run)) === null;
    for (let more = true; more;) {
      const records = await journal.events.list(run, seq, batch);
      for (const record of records) yield JSON.parse(record.body) as RunEvent;
      seq = records.at(-1)?.seq ?? seq;
      more = records.length === batch;
    }
    if (over || how.signal.aborted) return;
    await how.clock.sleep(pollMs, how.signal);
  }
}
