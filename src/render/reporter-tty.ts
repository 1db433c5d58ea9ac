import type { Clock } from '../util/clock.js';
import { renderFrame } from './frame.js';
import type { ReporterPart, Ticker } from './reporter-parts.js';
import type { RunView } from './run-view.js';
import type { Ui } from './ui.js';

const frameMs = 250;
const hideCursor = '\u001B[?25l';
const showCursor = '\u001B[?25h';
const clearLine = '\u001B[K';
const clearDown = '\u001B[0J';

/**
 * One block that is redrawn four times a second, whatever the number of nodes.
 * Not listr2: a row per node took it 255 s of CPU for 1,000 nodes, and this block is what one of its rows would hold.
 */
export function createTtyReporter(
  { stderr, ui, clock, every }: { stderr: NodeJS.WritableStream; ui: Ui; clock: Clock; every: Ticker },
  view: RunView,
): ReporterPart {
  let drawn = 0;
  let open = true;
  let shown = '';
  const draw = (): void => {
    const rows = renderFrame(view, ui, clock.now());
    // Row by row: a terminal that is told to clear everything from its first line on (tmux) keeps what was there as history, frame by frame.
    const text = rows.map((row) => `${row}${clearLine}\n`).join('');
    if (text === shown) return;
    shown = text;
    const back = drawn === 0 ? hideCursor : `\u001B[${drawn}A\r`;
    stderr.write(`${back}${text}${clearDown}`);
    drawn = rows.length;
  };
  const stop = every(frameMs, () => {
    if (view.run !== '') draw();
  });
  return {
    event: () => {},
    close: async () => {
      if (!open) return;
      open = false;
      stop();
      if (drawn > 0) stderr.write(`\u001B[${drawn}A\r${`${clearLine}\n`.repeat(drawn)}\u001B[${drawn}A${showCursor}`);
    },
  };
}
