import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/executor/events.js';
import { createRunReporter } from '../../../src/render/reporter.js';
import { createUi } from '../../../src/render/ui.js';
import { middle, move, ms, whole } from './sample-run.js';

function harness(options: { redraw: boolean; format?: string }) {
  const stderr = new PassThrough();
  const stdout = new PassThrough();
  const ticks: { ms: number; tick: () => void }[] = [];
  let now = ms(0);
  const reporter = createRunReporter({
    stderr,
    stdout,
    redraw: options.redraw,
    format: options.format ?? 'table',
    ui: createUi({ isTTY: false, env: {}, noColor: true, width: 80 }),
    clock: { now: () => now },
    every: (every, tick) => {
      const entry = { ms: every, tick };
      ticks.push(entry);
      return () => ticks.splice(ticks.indexOf(entry), 1);
    },
  });
  const text = (stream: PassThrough): string => String(stream.read() ?? '');
  return {
    reporter,
    ticks,
    advance: (to: number) => {
      now = to;
      for (const { tick } of [...ticks]) tick();
    },
    err: () => text(stderr),
    out: () => text(stdout),
  };
}

describe('without a terminal', () => {
  it('writes a line for each change of state, with its time and without control characters', async () => {
    const { reporter, err } = harness({ redraw: false });
    for (const event of whole()) reporter.sink(event);
    await reporter.close();
    const lines = err().trimEnd().split('\n');
    expect(lines[0]).toBe(
      '2026-03-01T13:44:51Z run 01JD8QAZ0Y5V9W3K7M2N4P6R8T started: 38 nodes of acme-retail in 2 stages',
    );
    expect(lines).toContain(
      '2026-03-01T13:51:51Z pos-genoa-028 reverted: containerd 2.1.9 exited 1 after 32 s, back on 1.7.24\\x1b[2J',
    );
    expect(lines.at(-1)).toContain('succeeded with stragglers after 23m10s');
    // eslint-disable-next-line no-control-regex
    expect(lines.join('')).not.toMatch(/[\u0000-\u001F]/u);
  });

  it('gives a sign of life after half a minute of silence, and none when there was news', async () => {
    const { reporter, advance, err } = harness({ redraw: false });
    for (const event of middle()) reporter.sink(event);
    err();
    advance(ms(29));
    expect(err()).toBe('');
    advance(ms(500));
    expect(err()).toContain('still running, 08:20 elapsed, 25 of 38 nodes settled, in flight: pos-genoa-022 health');
    await reporter.close();
  });
});

describe('on a terminal', () => {
  it('draws nothing per event and one block per tick', async () => {
    const { reporter, advance, err, ticks } = harness({ redraw: true });
    for (const event of middle()) reporter.sink(event);
    expect(err()).toBe('');
    expect(ticks.map((entry) => entry.ms)).toEqual([250]);
    advance(ms(437));
    const block = err();
    expect(block).toContain('21/36 ok');
    expect(block.split('\n').length).toBeLessThanOrEqual(11);
    advance(ms(437));
    expect(err()).toBe('');
  });

  it('shows the cursor again and stops its timer when closed, once', async () => {
    const { reporter, advance, err, ticks } = harness({ redraw: true });
    for (const event of middle()) reporter.sink(event);
    advance(ms(437));
    err();
    await reporter.close();
    await reporter.close();
    expect(ticks).toEqual([]);
    expect(err().split('\u001B[?25h').length - 1).toBe(1);
  });
});

it('writes every event as one line of JSON on standard output for ndjson', async () => {
  const { reporter, out, err } = harness({ redraw: false, format: 'ndjson' });
  const events = whole();
  for (const event of events) reporter.sink(event);
  await reporter.close();
  const lines = out().trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as RunEvent)).toEqual(events);
  expect(err()).toContain('run 01JD8QAZ0Y5V9W3K7M2N4P6R8T started');
});

it('takes a thousand nodes and four frames a second in little work: no frame looks at more than its rows', () => {
  const { reporter, advance, err } = harness({ redraw: true });
  reporter.sink({
    type: 'run-started',
    at: '2026-03-01T13:44:51Z',
    run: '01',
    fleet: 'f',
    plan: 'p',
    resumed: false,
    nodes: 1000,
    stages: [{ name: 'all', nodes: 1000 }],
  });
  for (let index = 0; index < 1000; index += 1) {
    reporter.sink(move(1, `n-${index}`, 'planned', 'applying', 'x', { stage: 'all' }));
    reporter.sink(move(2, `n-${index}`, 'applying', 'succeeded', 'x', { stage: 'all' }));
  }
  advance(ms(10));
  expect(err().split('\n').length).toBeLessThanOrEqual(11);
  expect(reporter.view.busy.size).toBe(0);
  expect(reporter.view.count('succeeded')).toBe(1000);
});
