import type { ReportedNode, ReportedRun } from '../../../../src/render/reports/types.js';

/** What a node of bad will might print to reach past a log, a terminal, a web page or a spreadsheet. */
export const hostile = [
  '::add-mask::*',
  '##[add-path]/tmp/evil',
  '</failure></testcase><testcase name="forged"/>',
  ']]>',
  '</script><script>alert(1)</script>',
  '\u001b]52;c;ZXZpbA==\u0007',
  '=HYPERLINK("http://203.0.113.1/","x")',
  '| forged | 0 | row |\n::error::forged\r\n::warning::forged',
  '[link](javascript:alert(1)) `code` <!-- --> @everyone',
  '\ud800 \uffff \u0000 \u202e',
];

/** A run in which everything that can become of a node has become of one. */
export function reportedRun(nodes: readonly Partial<ReportedNode>[] = everyEnd): ReportedRun {
  return {
    run: '01JD8QAZ0Y5V9W3K7M2N4P6R8T',
    fleet: 'acme-retail',
    command: 'rollout runtime',
    state: 'succeeded_with_stragglers',
    exitCode: 1,
    message: '',
    elapsedMs: 1_390_000,
    startedAt: '2026-03-01T13:44:51.123Z',
    nodes: nodes.map((node, index) => ({
      node: `pos-${String(index + 1).padStart(3, '0')}`,
      stage: index === 0 ? 'canary' : 'rest',
      state: 'succeeded',
      message: '',
      elapsedMs: 12_345,
      ...node,
    })),
    next: [{ what: 'Undo everything', command: 'edgectl rollback 01JD8QAZ0Y5V9W3K7M2N4P6R8T' }],
  };
}

const everyEnd: readonly Partial<ReportedNode>[] = [
  {},
  {
    state: 'rolled_back',
    why: 'health',
    message: 'containerd exited 1 after 32 s',
    log: 'level=fatal msg="no"\nlast line',
  },
  { state: 'offline', message: 'no route to host', why: 'unreachable', elapsedMs: 0 },
  { state: 'refused', message: 'the host key has changed', why: 'host-key' },
  { state: 'in_doubt', message: 'the connection was lost' },
  { state: 'blocked', message: 'till open', why: 'veto' },
  { state: 'noop', elapsedMs: 0 },
];
