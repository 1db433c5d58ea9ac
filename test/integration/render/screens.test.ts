import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checksText, type ShownCheck } from '../../../src/render/checks.js';
import { frameRows } from '../../../src/render/frame.js';
import { createRunReporter, type RunReporter } from '../../../src/render/reporter.js';
import { renderSummary, summarise } from '../../../src/render/summary.js';
import { createUi, type Ui } from '../../../src/render/ui.js';
import { runCli } from '../../helpers/cli.js';
import { requires } from '../../helpers/requires.js';
import { halted, thousandAt, thousandNodes } from '../../helpers/thousand.js';
import { until } from '../../helpers/until.js';

/* What a real terminal shows (tmux), compared with test/golden/screens. */

const tmux = promisify(execFile);
const sizes = [
  [80, 24],
  [120, 40],
] as const;

const checks: ShownCheck[] = [
  { id: 'node.js', state: 'ok', detail: 'Node.js 20.20.2' },
  { id: 'ssh-keygen', state: 'ok', detail: 'plans can be signed' },
  { id: 'settings', state: 'ok', detail: '/home/anna/shops/edgectl.yaml' },
  { id: 'fleet', state: 'ok', detail: 'acme-retail, 1000 nodes, in /home/anna/shops' },
  { id: 'ssh', state: 'ok', detail: 'OpenSSH 9.2' },
  {
    id: 'signing-key',
    state: 'bad',
    detail: '/home/anna/.config/edgectl/keys/01JQZ0000000000000000TEST0/signing can be read by others',
    hint: 'chmod 600 /home/anna/.config/edgectl/keys/01JQZ0000000000000000TEST0/signing',
  },
  { id: 'agent', state: 'ok', detail: 'holds 1 key' },
  { id: 'login-keys', state: 'ok', detail: '/home/anna/.ssh/id_ed25519' },
  {
    id: 'known-hosts',
    state: 'warn',
    detail: 'no host key of 3 of 1000 nodes: pos-lyon-[007-009]',
    hint: 'edgectl node trust pos-lyon-007 pos-lyon-008 pos-lyon-009',
  },
  { id: 'journal', state: 'ok', detail: 'none yet; the first run makes it' },
  { id: 'clock', state: 'ok', detail: 'set by NTP' },
  { id: 'disk', state: 'ok', detail: '78162 MiB are free for /home/anna/.local' },
  { id: 'bastions', state: 'ok', detail: 'the fleet has none' },
];

describe.skipIf(requires('tmux').skip).each(sizes)('on a terminal of %i × %i', (width, height) => {
  let dir: string;
  const server = `edgectl-test-${process.pid}-${width}`;
  const ui: Ui = createUi({ isTTY: false, env: {}, noColor: true, width });

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'edgectl-screens-'));
  });
  afterAll(async () => {
    await tmux('tmux', ['-L', server, 'kill-server']).catch(() => undefined);
    await rm(dir, { recursive: true, force: true });
  });

  /** What the terminal shows after these bytes; with what has scrolled away when it is asked for. */
  const show = async (bytes: string, scrolled: boolean): Promise<string> => {
    const [raw, done] = [join(dir, 'raw'), `end-${Math.random().toString(36).slice(2)}`];
    await writeFile(raw, bytes);
    const size = ['-x', String(width), '-y', String(height)];
    // A channel that is signalled when the bytes are through; the pane stays to be looked at.
    const command = `cat '${raw}'; tmux -L ${server} wait-for -S ${done}; exec sleep 1000`;
    await tmux('tmux', ['-L', server, '-f', '/dev/null', 'new-session', '-d', '-s', done, ...size, command]);
    await tmux('tmux', ['-L', server, 'wait-for', done]);
    const capture = async (): Promise<string> =>
      (await tmux('tmux', ['-L', server, 'capture-pane', '-p', '-t', done, ...(scrolled ? ['-S', '-'] : [])])).stdout;
    // The terminal draws what it was given a moment after it was given.
    let before = '';
    const seen = await until('the screen has come to rest', async () => {
      const now = await capture();
      const still = now.trim() !== '' && now === before;
      before = now;
      return still ? now : undefined;
    });
    await tmux('tmux', ['-L', server, 'kill-session', '-t', done]);
    return `${seen?.trimEnd() ?? ''}\n`;
  };
  const golden = (name: string): string => `../../golden/screens/${name}-${width}x${height}.txt`;

  const draw = async (seconds: number): Promise<{ bytes: string; reporter: RunReporter }> => {
    let [bytes, now, tick] = ['', 0, (): void => undefined];
    const stderr = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.toString();
        done();
      },
    });
    const every = (_ms: number, drawing: () => void) => {
      tick = drawing;
      return () => undefined;
    };
    const clock = { now: () => thousandAt(now) };
    const reporter = createRunReporter({ stderr, stdout: stderr, redraw: true, format: 'table', ui, clock, every });
    const events = thousandNodes();
    let next = 0;
    for (; now <= seconds; now += 1) {
      for (; (events[next]?.second ?? Infinity) <= now; next += 1) reporter.sink(events[next]?.event as never);
      tick();
    }
    return { bytes, reporter };
  };

  it('a rollout to a thousand nodes, in its middle, takes ten rows', async () => {
    const { bytes, reporter } = await draw(700);
    const screen = await show(bytes, true);
    await reporter.close();
    expect(screen.trimEnd().split('\n').length).toBeLessThanOrEqual(frameRows);
    await expect(screen).toMatchFileSnapshot(golden('rollout'));
  });

  it('a rollout to a thousand nodes that its gate has stopped', async () => {
    const { reporter } = await draw(-1);
    for (const event of halted(thousandNodes(), 920)) reporter.sink(event);
    const summary = summarise(reporter.view);
    if (summary === undefined) throw new Error('the run has ended');
    await reporter.close();
    const screen = await show(`${renderSummary(reporter.view, summary, ui)}\n`, true);
    expect(screen.trimEnd().split('\n').length).toBeLessThan(height);
    await expect(screen).toMatchFileSnapshot(golden('failed'));
  });

  it('the doctor', async () => {
    await expect(await show(`${checksText(ui, checks, 'This computer is ready')}\n`, true)).toMatchFileSnapshot(
      golden('doctor'),
    );
  });

  it.each([
    ['help', ['--help']],
    ['help-rollout', ['rollout', 'runtime', '--help']],
  ])('%s', async (name, argv) => {
    const { stdout } = await runCli(argv, { env: { COLUMNS: String(width), OCLIF_COLUMNS: String(width) } });
    await expect(await show(stdout.replace(/edgectl\/\S+ \S+ node-\S+/u, 'edgectl/VERSION'), true)).toMatchFileSnapshot(
      golden(name),
    );
  });
});
