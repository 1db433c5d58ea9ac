import { describe, expect, it } from 'vitest';
import { collectFacts } from '../../../src/facts/collect.js';
import { parseFacts } from '../../../src/facts/facts.js';
import { factRows } from '../../../src/facts/table.js';
import { factsText } from '../../../src/facts/text.js';
import { createUi } from '../../../src/render/ui.js';
import { verdictOnFacts } from '../../../src/facts/verdict.js';
import type { KitAnswer, KitLine } from '../../../src/node/types.js';
import { fail } from '../../../src/transport/failure.js';

const digest = 'a'.repeat(64);
const fact = (name: string, value: unknown): KitLine => ({ t: 'fact', name, value });
const lines: KitLine[] = [
  fact('os', 'debian'),
  fact('os.version', '12'),
  fact('arch', 'arm64'),
  fact('kernel', '6.1.0'),
  fact('init', 'systemd'),
  fact('init.version', '252'),
  fact('disk.free_kib', '2048'),
  fact('mem.available_kib', '1024'),
  fact('boot', 'b'),
  fact('privilege', 'user'),
  fact('sudo', 'yes'),
  fact('verify', 'yes'),
  fact('cgroup', '2'),
  fact('series', '17'),
  fact('distro.runc', '1.1.5 /usr/sbin/runc'),
  fact('distro.containerd', '1.6.20 /usr/bin/containerd'),
  fact('distro.crun', 'none'),
  {
    t: 'generation',
    committed: 2,
    active: 2,
    trial: false,
    components: { containerd: { version: '2.1', digest } },
    committed_components: {},
  },
];

describe('facts', () => {
  it('are read from the lines of an answer', () => {
    expect(parseFacts(lines, { kit: true, now: 990_000 })).toEqual({
      at: '1970-01-01T00:16:30.000Z',
      kit: true,
      os: { id: 'debian', version: '12' },
      arch: 'arm64',
      kernel: '6.1.0',
      init: { kind: 'systemd', version: 252 },
      cgroup: 2,
      diskFreeBytes: 2 * 1024 * 1024,
      memoryAvailableBytes: 1024 * 1024,
      boot: { id: 'b', upS: undefined },
      privilege: 'sudo',
      verifies: true,
      components: { managed: { containerd: { version: '2.1', digest } }, unmanaged: { runc: '1.1.5' }, trial: false },
      series: 17,
    });
  });

  it('are undefined, not wrong, when a node sends nonsense', () => {
    const nonsense = [
      fact('disk.free_kib', '-1'),
      fact('series', '1e99'),
      fact('cgroup', '3'),
      { t: 'fact' },
      { t: 'generation', components: { x: 1 } },
    ];
    expect(parseFacts(nonsense as KitLine[], { kit: true, now: 0 })).toMatchObject({
      diskFreeBytes: undefined,
      series: 0,
      cgroup: undefined,
      os: undefined,
      components: { managed: {}, unmanaged: {} },
    });
  });
});

describe('collecting facts', () => {
  const clock = { now: () => 0 };
  const caller = (answers: Record<string, KitAnswer>) => ({
    call: async (nodeId: string): Promise<KitAnswer> => answers[nodeId] ?? { kind: 'ok', lines },
  });
  const noKit: KitAnswer = { kind: 'refused', code: 'NO_KIT', reason: 'not there', lines: [] };

  it('asks a node without a kit by script, and says that it did', async () => {
    const asked: string[] = [];
    const results = await collectFacts(caller({ n2: noKit }), ['n1', 'n2'], {
      clock,
      firstContact: async (nodeId) => {
        asked.push(nodeId);
        return { kind: 'ok', lines };
      },
    });
    expect(asked).toEqual(['n2']);
    expect(results.map((result) => result.ok && result.facts.kit)).toEqual([true, false]);
  });

  it('folds nodes that look alike and keeps the ones that failed apart', async () => {
    const gone: KitAnswer = {
      kind: 'unreachable',
      mayHaveActed: false,
      failure: fail('dns', 'no', false),
      message: 'no',
    };
    const results = await collectFacts(caller({ n3: gone }), ['n1', 'n2', 'n3'], { clock });
    expect(factRows(results).map((row) => row.nodes)).toEqual([['n1', 'n2']]);
    expect(results[2]).toMatchObject({ ok: false, why: 'dns', message: 'no' });
  });

  it('fit eighty columns, say whose each runtime is, and end with what to do', async () => {
    const unknown: KitAnswer = {
      kind: 'unreachable',
      mayHaveActed: false,
      failure: fail('host-key-unknown', 'n3 is not in known_hosts', false),
      message: 'n3 is not in known_hosts',
    };
    const results = await collectFacts(caller({ n3: unknown, n4: unknown }), ['n1', 'n2', 'n3', 'n4'], { clock });
    const text = factsText(results, createUi({ isTTY: false, env: {}, noColor: true, width: 80 }));
    expect(text.split('\n').map((line) => line.replaceAll(/ {2,}/g, '  '))).toEqual([
      'node  os  arch  kernel  init  login',
      'n[1,2]  debian 12  arm64  6.1.0  systemd 252  kit',
      '',
      'runtime  version  whose  on',
      'containerd  2.1  edgectl  n[1,2]',
      'runc  1.1.5  distribution  n[1,2]',
      '',
      'host-key-unknown  n[3,4]: for example, n3 is not in known_hosts',
      '',
      'Next:  edgectl node trust n3 n4',
    ]);
  });

  it.each([
    [
      'a rejected key',
      { kind: 'unreachable', mayHaveActed: false, failure: fail('auth', '', false), message: '' },
      'refused',
    ],
    [
      'a lost answer',
      { kind: 'unreachable', mayHaveActed: false, failure: fail('closed', '', true), message: '' },
      'unreachable',
    ],
    ['a missing kit', noKit, 'refused'],
    ['nonsense', { kind: 'protocol', mayHaveActed: false, message: '' }, 'failed'],
  ] as [string, KitAnswer, string][])('counts %s as %s', async (_what, answer, verdict) => {
    const [result] = await collectFacts(caller({ n1: answer }), ['n1'], { clock });
    expect(result && verdictOnFacts(result)).toBe(verdict);
  });
});
