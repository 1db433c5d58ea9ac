import { describe, expect, it } from 'vitest';
import { Advisories, isAffected } from '../../../src/drift/advisories.js';
import { assess } from '../../../src/drift/assess.js';
import { changedSince, changesAfter } from '../../../src/drift/changes.js';
import type { CompiledRule } from '../../../src/drift/rules.js';
import type { Finding } from '../../../src/drift/types.js';
import { input, node, nodes, now, reached, seen, wants } from './sample.js';

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const told = ({ class: thought, severity, node: id, attribute, found, expected, why }: Finding) => ({
  ...{ thought, severity, id, attribute, found, expected, why },
});

describe('desired state against what was seen', () => {
  const a = [node('a')];

  it('finds what differs, where that is written and since when it is so, and nothing else', () => {
    const expectations = [wants('sysctl.vm.swappiness', '10', ['a']), wants('file./etc/motd.mode', '0644', ['a'])];
    const observations = seen('a', { 'sysctl.vm.swappiness': '60', 'file./etc/motd.mode': '0644' });
    const { findings } = assess(input({ nodes: a, expectations, observations }));
    expect(findings).toEqual([
      {
        kind: 'desired',
        class: 'unexpected',
        severity: 'breaking',
        node: 'a',
        attribute: 'sysctl.vm.swappiness',
        found: '60',
        expected: '10',
        since: '2026-03-09T12:00:00.000Z',
        seenAt: now,
        why: '',
        where: { file: 'desired.yaml', line: 1, column: 1 },
      },
    ]);
  });

  it('takes the digest of the node’s architecture, and tells versions', () => {
    const values = { amd64: digest('a'), arm64: digest('b') };
    const expectations = [wants('runtime.containerd.bundle', '', ['a', 'b', 'c', 'd'], { values, says: '2.1.9' })];
    const observations = [
      ...seen('a', {
        'os.arch': 'amd64',
        'runtime.containerd.bundle': digest('a'),
        'runtime.containerd.version': '2.1.9',
      }),
      ...seen('b', {
        'os.arch': 'arm64',
        'runtime.containerd.bundle': digest('c'),
        'runtime.containerd.version': '1.7.24',
      }),
      ...seen('c', {
        'os.arch': 'riscv64',
        'runtime.containerd.bundle': digest('a'),
        'runtime.containerd.version': '2.1.9',
      }),
      ...seen('d', { 'os.arch': 'amd64', 'runtime.containerd.version': '1.6.20' }),
    ];
    const { findings } = assess(
      input({ nodes: ['a', 'b', 'c', 'd'].map((id) => node(id)), expectations, observations }),
    );
    expect(findings.map(told)).toMatchObject([
      { id: 'b', thought: 'unexpected', found: '1.7.24', expected: '2.1.9' },
      { id: 'c', thought: 'unknown', found: null, why: 'no value for its architecture, or that is not known' },
      { id: 'd', thought: 'unexpected', found: '1.6.20 of the distribution', expected: '2.1.9' },
    ]);
  });

  it('tells two builds of one version apart by their digests', () => {
    const expectations = [wants('runtime.runc.bundle', digest('a'), ['a'], { says: '1.3.6' })];
    const observations = seen('a', { 'runtime.runc.bundle': digest('b'), 'runtime.runc.version': '1.3.6' });
    const [finding] = assess(input({ nodes: a, expectations, observations })).findings;
    expect([finding?.found, finding?.expected]).toEqual([digest('b'), digest('a')]);
  });

  it('reads single parameters out of the kernel’s command line, the last of two', () => {
    const wanted = ['mitigations=auto', 'nosmt=set', 'panic=10', 'quiet=absent'].map((text) => text.split('='));
    const expectations = wanted.map(([name, value]) => wants(`kernel.parameter.${name}`, value ?? '', ['a']));
    const observations = seen('a', { 'kernel.cmdline': 'ro panic=5 nosmt panic=10 mitigations=off quiet' });
    const { findings } = assess(input({ nodes: a, expectations, observations }));
    expect(findings.map(({ attribute, found }) => `${attribute} ${found}`)).toEqual([
      'kernel.parameter.mitigations off',
      'kernel.parameter.quiet set',
    ]);
  });

  it('never takes what could not be seen for a difference', () => {
    const expectations = [wants('file./root/x.digest', digest('a'), ['a']), wants('package.curl', '1', ['a'])];
    const observations = seen('a', { 'file./root/x.digest': '?privilege' });
    const { findings } = assess(input({ nodes: a, expectations, observations }));
    expect(findings.map(told)).toMatchObject([
      { thought: 'unknown', attribute: 'file./root/x.digest', found: null, why: 'privilege' },
      { thought: 'unknown', attribute: 'package.curl', found: null, why: 'nobody has looked yet' },
    ]);
  });

  it('makes text of a node harmless before anybody gets it', () => {
    const hostile = '\u001b]52;c;ZXZpbA==\u0007##[add-path]/tmp\n\u202e' + 'x'.repeat(2000);
    const observations = seen('a', { 'sysctl.kernel.hostname': hostile });
    const { findings } = assess(
      input({ nodes: a, expectations: [wants('sysctl.kernel.hostname', 'a', ['a'])], observations }),
    );
    const found = findings[0]?.found ?? '';
    // eslint-disable-next-line no-control-regex
    expect(found).not.toMatch(/[\u0000-\u001f\u202e]|##\[/);
    expect(found.length).toBeLessThanOrEqual(512);
  });
});

describe('nodes that do not answer', () => {
  const expectations = [wants('sysctl.vm.swappiness', '10', ['a', 'b', 'c'])];
  const observations = [...seen('a', { 'sysctl.vm.swappiness': '60' }), ...seen('b', { 'sysctl.vm.swappiness': '60' })];
  const contacts = [...reached(['a']), ...reached(['b'], false)];

  it('are unknown once each, with their last known differences', () => {
    const all = ['a', 'b', 'c'].map((id) => node(id));
    const { findings } = assess(input({ nodes: all, expectations, observations, contacts }));
    expect(findings.map(told)).toMatchObject([
      { id: 'a', thought: 'unexpected' },
      { id: 'b', thought: 'unknown', found: '60', why: 'last known' },
      { id: 'b', thought: 'unknown', attribute: '', why: 'did not answer' },
      { id: 'c', thought: 'unknown', attribute: '', why: 'never asked' },
    ]);
  });

  it('are still pending when a run is to bring them what they lack, and the newest run counts', () => {
    const runtime = [wants('runtime.runc.bundle', digest('a'), ['a', 'b'], { says: '1.3.6' })];
    const old = ['a', 'b'].flatMap((id) =>
      seen(id, { 'runtime.runc.bundle': digest('b'), 'runtime.runc.version': '1.1' }),
    );
    const work = { component: 'runc', digest: digest('a') };
    const pending = [
      { ...work, node: 'b', run: '01B' },
      { ...work, node: 'a', run: '01B' },
      { ...work, node: 'a', digest: digest('c'), run: '01C' },
    ];
    const both = [node('a'), node('b')];
    const { findings } = assess(input({ nodes: both, expectations: runtime, observations: old, contacts, pending }));
    expect(findings.map(({ node: id, class: thought, run }) => [id, thought, run])).toEqual([
      ['a', 'unexpected', undefined],
      ['b', 'pending', '01B'],
      ['b', 'unknown', undefined],
    ]);
  });
});

describe('rules of what is expected', () => {
  const rule = (expires: string, glob = /^sysctl\./): CompiledRule => ({
    matches: (_node, attribute) => glob.test(attribute),
    reason: 'kiosks swap',
    owner: 'ops',
    expires,
    where: { file: 'drift.yaml', line: 2, column: 5 },
  });
  const case_ = {
    nodes: [node('a')],
    expectations: [wants('sysctl.vm.swappiness', '10', ['a'])],
    observations: seen('a', { 'sysctl.vm.swappiness': '60' }),
  };

  it('make a difference expected, with reason, owner and the day on which that ends', () => {
    const { findings, expired } = assess(input({ ...case_, rules: [rule('2026-12-31T23:59:59.999Z')] }));
    expect(findings[0]).toMatchObject({
      class: 'expected',
      why: 'kiosks swap (ops, until 2026-12-31)',
      where: { line: 2 },
    });
    expect(expired).toEqual([]);
  });

  it('hide nothing when they have run out, and are told themselves', () => {
    const rules = [rule('2026-03-09T23:59:59.999Z'), rule('2026-03-09T23:59:59.999Z', /^nothing$/)];
    const { findings, expired } = assess(input({ ...case_, rules }));
    expect(findings[0]?.class).toBe('unexpected');
    expect(expired.map(({ hides }) => hides)).toEqual([1, 0]);
  });
});

describe('advisories', () => {
  const written = (value: Record<string, { component: string; fixed: string[]; from?: string; summary?: string }>) =>
    new Advisories({ file: 'advisories.yaml', value, placeOf: () => ({ line: 3, column: 1 }) });
  const advisories = written({
    'CVE-1': { component: 'runc', fixed: ['1.2.8', '1.3.3'], summary: 'breakout' },
    'CVE-2': { component: 'runc', fixed: ['1.3.6'] },
  });

  it.each([
    ['1.2.7', true],
    ['1.2.8', false],
    ['1.2.9', false],
    ['1.3.0', true],
    ['1.3.3', false],
    ['1.4.0', false],
    ['1.1.15', true],
    ['1.3.3~rc1', true],
  ])('with fixes 1.2.8 and 1.3.3, version %s: affected %s', (version, affected) => {
    expect(isAffected(version, { fixed: ['1.2.8', '1.3.3'] })).toBe(affected);
  });

  it('know from which version on a fault was there', () => {
    expect(isAffected('1.0.0', { fixed: ['1.3.3'], from: '1.1.0' })).toBe(false);
  });

  it('make one security finding of a component with several, with the version that has all fixes', () => {
    const observations = seen('a', { 'runtime.runc.version': '1.1.15', 'runtime.crun.version': '1.0' });
    const { findings } = assess(input({ nodes: [node('a')], observations, advisories }));
    expect(findings.map(told)).toEqual([
      {
        ...{ thought: 'unexpected', severity: 'security', id: 'a', attribute: 'runtime.runc.version' },
        ...{ found: '1.1.15', expected: '1.3.6 or later', why: 'CVE-1, CVE-2' },
      },
    ]);
  });

  it('raise a difference from desired state instead of telling it twice', () => {
    const expectations = [wants('runtime.runc.bundle', digest('a'), ['a'], { says: '1.3.6' })];
    const observations = seen('a', { 'runtime.runc.bundle': digest('b'), 'runtime.runc.version': '1.1.15' });
    const { findings } = assess(input({ nodes: [node('a')], expectations, observations, advisories }));
    expect(findings.map(told)).toMatchObject([
      { severity: 'security', found: '1.1.15', expected: '1.3.6', why: 'CVE-1, CVE-2' },
    ]);
  });
});

describe('peers', () => {
  const kernels = (spread: Record<string, number>) => {
    const all = nodes(
      Object.values(spread).reduce((sum, count) => sum + count, 0),
      { labels: { role: 'pos' } },
    );
    const values = Object.entries(spread).flatMap(([value, count]) => Array.from({ length: count }, () => value));
    const observations = all.flatMap(({ id }, index) => seen(id, { 'os.version': values[index] ?? '' }));
    return { nodes: all, observations, peers: { by: ['role'], majority: 2 / 3, attributes: ['os.*'] } };
  };

  it('differ from a clear majority, in its words', () => {
    const { findings, splits } = assess(input(kernels({ v12: 38, v11: 2 })));
    expect(findings.map(({ node: id }) => id)).toEqual(['pos-039', 'pos-040']);
    expect(findings[0]).toMatchObject({
      kind: 'peers',
      severity: 'cosmetic',
      found: 'v11',
      why: '38 of 40 with role=pos have v12',
    });
    expect(splits).toEqual([]);
  });

  it('without a clear majority are told as such, and nobody is blamed', () => {
    const { findings, splits } = assess(input(kernels({ v12: 6, v11: 5 })));
    expect(findings).toEqual([]);
    expect(splits).toMatchObject([{ group: 'role=pos', attribute: 'os.version' }]);
    expect(splits[0]?.values.map(({ value, nodes: with_ }) => [value, with_.length])).toEqual([
      ['v12', 6],
      ['v11', 5],
    ]);
  });

  it('are not compared when there are two of them, nor where desired state decides, nor while they do not answer', () => {
    expect(assess(input(kernels({ v12: 1, v11: 1 })))).toMatchObject({ findings: [], splits: [] });
    const many = kernels({ v12: 9, v11: 1 });
    const expectations = [wants('os.version', 'v11', ['pos-010'])];
    expect(assess(input({ ...many, expectations })).findings).toEqual([]);
    const contacts = reached(['pos-010'], false);
    expect(assess(input({ ...many, contacts })).findings.map(({ kind }) => kind)).toEqual(['unseen']);
  });
});

describe('contradictions', () => {
  it('are shown with both values when what runs is not what is installed', () => {
    const values = { 'runtime.containerd.version': '2.1.9', 'runtime.containerd.running': '1.7.24' };
    const { findings } = assess(input({ nodes: [node('a')], observations: seen('a', values) }));
    expect(findings.map(told)).toMatchObject([
      { severity: 'breaking', found: '1.7.24', expected: '2.1.9', why: 'installed is 2.1.9, what runs says 1.7.24' },
    ]);
    const stopped = { 'runtime.containerd.version': '2.1.9', 'runtime.containerd.running': 'none' };
    expect(assess(input({ nodes: [node('a')], observations: seen('a', stopped) })).findings).toEqual([]);
  });
});

describe('values that keep changing', () => {
  const at = (hour: number): string => `2026-03-10T${String(hour).padStart(2, '0')}:00:00.000Z`;
  const change = (value: string, hour: number) => ({
    node: 'a',
    attribute: 'x.y',
    value,
    seenAt: at(hour),
    since: at(hour),
  });

  it('are counted from the history, where not being seen is no change', () => {
    const history = [
      change('a', 0),
      change('b', 2),
      { ...change('', 3), unknown: 'timeout', value: undefined },
      change('b', 4),
      change('a', 5),
    ];
    const given = history.map(({ value, ...rest }) => (value === undefined ? rest : { ...rest, value }));
    expect(changesAfter(given, at(1))).toBe(2);
    expect(changesAfter(given, at(3))).toBe(1);
  });

  it('are only looked for where there was a value before', () => {
    const changed = changedSince([change('a', 0)], [change('b', 2), { ...change('c', 2), attribute: 'new' }], at(1));
    expect([...changed]).toEqual([['a', ['x.y']]]);
  });

  it('are said of a finding, and told by themselves when the value is right just now', () => {
    const restless = new Map([
      [
        'a',
        new Map([
          ['sysctl.a', 6],
          ['sysctl.b', 5],
        ]),
      ],
    ]);
    const expectations = [wants('sysctl.a', '1', ['a']), wants('sysctl.b', '1', ['a'])];
    const observations = seen('a', { 'sysctl.a': '1', 'sysctl.b': '2' });
    const { findings } = assess(input({ nodes: [node('a')], expectations, observations, restless }));
    expect(findings.map(({ kind, attribute, changes, why }) => ({ kind, attribute, changes, why }))).toEqual([
      { kind: 'desired', attribute: 'sysctl.b', changes: 5, why: '' },
      { kind: 'flapping', attribute: 'sysctl.a', changes: 6, why: 'it is right now' },
    ]);
  });
});
