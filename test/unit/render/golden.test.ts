import { describe, expect, it } from 'vitest';
import { renderError } from '../../../src/render/error.js';
import { renderFrame } from '../../../src/render/frame.js';
import { renderPreview } from '../../../src/render/preview.js';
import { RunView } from '../../../src/render/run-view.js';
import { renderSummary, summarise } from '../../../src/render/summary.js';
import { createUi } from '../../../src/render/ui.js';
import { textWidth } from '../../../src/render/width.js';
import { samplePlan } from './sample-plan.js';
import { middle, ms, whole } from './sample-run.js';

function viewOf(events: ReturnType<typeof middle>): RunView {
  const view = new RunView();
  for (const event of events) view.apply(event);
  return view;
}

describe.each([80, 120])('at %i columns', (width) => {
  const ui = createUi({ isTTY: false, env: {}, noColor: true, width });
  const golden = (name: string): string => `../../golden/render/${name}-${width}.txt`;

  async function matches(name: string, text: string): Promise<void> {
    for (const line of text.split('\n')) expect(textWidth(line), line).toBeLessThanOrEqual(width);
    // eslint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u202E]/u);
    await expect(`${text}\n`).toMatchFileSnapshot(golden(name));
  }

  it('previews a plan with its canaries, gates, absent nodes and the way back', async () => {
    await matches(
      'preview',
      renderPreview(samplePlan(), ui, { source: 'runtimes.yaml @ 4f2c19e', now: Date.parse('2026-03-01T12:00:06Z') }),
    );
  });

  it('speaks of no trial, no way back and no signature when there is nothing to do', () => {
    const plan = samplePlan();
    const nodes = plan.nodes.map((node) => ({
      ...node,
      stage: null,
      intent: false,
      skip: { state: 'noop' as const, why: '' },
    }));
    const idle = { ...plan, nodes, changes: [], stages: [], steps: [], authority: null };
    const text = renderPreview(idle, ui, { now: 0 });
    expect(text.split('\n').at(-1)).toMatch(/^ {2}nothing to do on \d+ of \d+ nodes \(already there\)$/u);
  });

  it('says on the preview that a rehearsal policy is in force', async () => {
    const plan = {
      ...samplePlan(),
      policy: { name: 'rehearsal', rehearsal: true, maxFailed: 1, maxStale: 2 },
      authority: null,
    };
    await matches('preview-rehearsal', renderPreview(plan, ui, { now: Date.parse('2026-03-01T12:00:06Z') }));
  });

  it('draws a run in at most ten rows', async () => {
    const rows = renderFrame(viewOf(middle()), ui, ms(437));
    expect(rows.length).toBeLessThanOrEqual(10);
    await matches('frame', rows.join('\n'));
  });

  it('ends with groups of nodes, their last words, and the next command last', async () => {
    const view = viewOf(whole());
    const summary = summarise(view);
    if (!summary) throw new Error('the run has ended');
    const text = renderSummary(view, summary, ui);
    expect(text.split('\n').at(-1)).toContain('edgectl resume 01JD8QAZ0Y5V9W3K7M2N4P6R8T');
    await matches('summary', text);
  });

  it('shows an error with its code, its lines and the next command', async () => {
    const error = {
      code: 'SSH_HOST_KEY_CHANGED',
      message: 'Host key of pos-nice-002 changed',
      hint: 'edgectl node trust pos-nice-002 --replace',
      lines: ['pinned    ED25519 SHA256:Zr7…', 'offered   ED25519 SHA256:q91…', 'Nothing was sent to it.'],
    };
    await matches('error', renderError(error, { ui, debug: false }).trimEnd());
  });

  it('cuts a table to the width', async () => {
    const rows = Array.from({ length: 3 }, (_, index) => [
      `node-${index}`,
      'a message that is far too long for one row '.repeat(4),
      12 + index,
    ]);
    await matches('table', ui.table(['node', 'message', { title: 'count', align: 'right' }], rows));
  });
});
