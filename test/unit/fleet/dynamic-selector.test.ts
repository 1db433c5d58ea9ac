import { describe, expect, it } from 'vitest';
import { explainSelector } from '../../../src/fleet/explain-selector.js';
import type { NodeKnowledge } from '../../../src/fleet/knowledge.js';
import { needsOf } from '../../../src/fleet/knowledge.js';
import { selectNodes } from '../../../src/fleet/select-nodes.js';
import { parseSelector } from '../../../src/fleet/selector.js';
import type { FleetNode } from '../../../src/fleet/types.js';
import { compareVersions } from '../../../src/fleet/version.js';

const at = '2026-01-01T00:00:00Z';

function node(id: string, extra: Partial<FleetNode> = {}): FleetNode {
  return {
    ...{ id, address: '10.0.0.1', port: 22, user: 'u', identity: [], via: [], transport: 'ssh', site: 's' },
    ...{ region: 'r', groups: [], labels: {}, wariness: 0, state: 'in-service' },
    ...extra,
  };
}

const nodes = [
  node('a', { groups: ['web', 'site_x'] }),
  node('b', { groups: ['db'] }),
  node('c', { labels: { arch: 'riscv64', fw: '3.1' } }),
  node('never-seen'),
  node('gone', { state: 'retired' }),
];
const facts = (values: Record<string, string>): NonNullable<NodeKnowledge['facts']> => ({ at, values });
const knowledge = new Map<string, NodeKnowledge>([
  [
    'a',
    {
      facts: facts({ arch: 'amd64', os: 'debian', 'os.version': '12', 'runtime.containerd': '1.7.24-1+deb12u1' }),
      contact: { at, reached: true },
      drifted: true,
      lastRun: { at, run: 'R', state: 'rolled_back' },
    },
  ],
  [
    'b',
    {
      facts: facts({ arch: 'arm64', os: 'alpine', 'runtime.containerd': 'v2.1.0-rc.1' }),
      contact: { at, reached: false },
      drifted: false,
      lastRun: { at, run: 'R', state: 'succeeded' },
    },
  ],
  ['c', { facts: facts({ arch: 'amd64', os: 'debian' }), contact: { at, reached: true }, drifted: false }],
  ['never-seen', {}],
]);
const fleet = { nodes, knowledge };
const select = (text: string): string =>
  selectNodes(fleet, text)
    .map(({ id }) => id)
    .join(' ');

describe('a selector that asks for facts and run states', () => {
  it.each([
    ['arch=amd64', 'a'],
    ['fact.arch=amd64', 'a c'],
    ['arch!=arm64', 'a c'],
    ['not arch=arm64', 'a c'],
    ['os in (debian, ubuntu)', 'a c'],
    ['os.version>=11', 'a'],
    ['runtime.containerd<2.1', 'a'],
    ['runtime.containerd<2.1.0', 'a b'],
    ['runtime.containerd>=2.1.0-rc.1', 'b'],
    ['runtime.containerd<=1.7.24', 'a'],
    ['runtime.containerd=*', 'a b'],
    ['runtime.containerd!=*', 'c'],
    ['fw<3.2', 'c'],
    ['fw >= 4', ''],
    ['offline', 'b'],
    ['not offline', 'a c'],
    ['online and os=debian', 'a c'],
    ['drifted', 'a'],
    ['not drifted', 'b c'],
    ['last-run=failed', 'a'],
    ['last-run=rolled-back', 'a'],
    ['last-run!=failed', 'b c never-seen'],
    ['last-run=none', 'c never-seen'],
    ['arch=arm64 or never-seen', 'b never-seen'],
    ['group=web', 'a'],
    ['group=site_*', 'a'],
    ['group!=web', 'b c never-seen'],
    ['group in (web, db)', 'a b'],
  ])('%s', (text, expected) => {
    expect(select(text)).toBe(expected);
  });

  it('leaves out nodes of which nothing is known, both ways', () => {
    expect(select('os=debian')).not.toContain('never-seen');
    expect(select('not os=debian')).not.toContain('never-seen');
    const explained = explainSelector('os=debian', parseSelector('os=debian'), fleet);
    expect(explained.map(({ node: { id }, match }) => `${id} ${match}`)).toEqual([
      'a yes',
      'b no',
      'c yes',
      'never-seen unknown',
    ]);
  });

  it.each([
    ['drifted', 'no facts of any node are known', 'edgectl node facts'],
    ['arch=amd64', 'no facts of any node are known', 'edgectl node facts'],
    ['offline', 'nobody has tried to reach a node', 'edgectl node facts'],
    ['last-run=failed', 'no run is in this computer’s journal', 'edgectl journal rebuild'],
  ])('says what to run first when nothing is known: %s', (text, message, hint) => {
    for (const known of [{ nodes }, { nodes, knowledge: new Map<string, NodeKnowledge>() }]) {
      expect(() => selectNodes(known, text)).toThrow(
        expect.objectContaining({
          code: 'SELECTOR_UNKNOWN',
          message: expect.stringContaining(message),
          hint: expect.stringContaining(hint),
        }),
      );
    }
  });

  it('needs no journal for names, fields, labels and samples of them', () => {
    const labelled = [node('x', { labels: { arch: 'arm64' } })];
    expect(needsOf(parseSelector('5 of x and site=s and label.os=y and group=g and fw<3'), nodes)).toEqual(new Set());
    expect(needsOf(parseSelector('arch=arm64'), labelled)).toEqual(new Set());
    expect(needsOf(parseSelector('arch=arm64 or offline or last-run=failed'), nodes)).toEqual(
      new Set(['facts', 'contact', 'runs']),
    );
  });
});

describe('a sample', () => {
  const many = { nodes: Array.from({ length: 200 }, (_, index) => node(`n-${String(index).padStart(3, '0')}`)) };
  const ids = (text: string, from = many): string[] => selectNodes(from, text).map(({ id }) => id);

  it('has the size that was asked for, and takes the same nodes each time', () => {
    expect(ids('10%')).toHaveLength(20);
    expect(ids('10% of all')).toEqual(ids('10%'));
    expect(ids('7 of n-[000-099]')).toHaveLength(7);
    expect(ids('1% of n-[000-009]')).toHaveLength(1);
    expect(ids('500 of all')).toHaveLength(200);
    expect(ids('5 of n-[000-099] or 5 of n-[100-199]')).toHaveLength(10);
    expect(ids('5 of all').every((id) => ids('10 of all').includes(id))).toBe(true);
  });

  it('reaches as far as “and”, so that what stands behind narrows before it is drawn', () => {
    expect(ids('5 of all and n-[000-009]')).toHaveLength(5);
    expect(ids('(5 of all) and n-[000-009]').length).toBeLessThan(5);
  });

  it('changes little when the fleet grows', () => {
    const grown = { nodes: [...many.nodes, node('new-1'), node('new-2')] };
    expect(ids('20 of all', grown).filter((id) => ids('20 of all').includes(id)).length).toBeGreaterThanOrEqual(18);
  });

  it.each([
    ['0 of all', 0, '“0” is no sample such as 10% or 5'],
    ['101%', 0, '“101%” is no sample such as 10% or 5'],
    ['x of all', 0, '“x” is no sample such as 10% or 5'],
    ['a and fw<', 9, 'expected a version, found the end'],
    ['fw<new', 3, '“new” is no version'],
    ['fw < and', 5, 'expected a version, found “and”'],
  ])('or version that is wrong points at the character: %s', (text, offset, message) => {
    expect(() => parseSelector(text)).toThrow(
      expect.objectContaining({ message: `The selector cannot be read: ${message}`, data: { selector: text, offset } }),
    );
  });
});

describe('an explanation', () => {
  it('names the terms that decide, what was found, and when', () => {
    const text = '(site=s and not offline) or arch=arm64';
    const told = explainSelector(text, parseSelector(text), fleet);
    expect(told.find(({ node: { id } }) => id === 'a')).toMatchObject({
      match: 'yes',
      because: [
        { term: 'site=s', found: 's' },
        { term: 'offline', found: 'online', at },
      ],
    });
    expect(told.find(({ node: { id } }) => id === 'b')?.because).toEqual([{ term: 'arch=arm64', found: 'arm64', at }]);
    expect(told.find(({ node: { id } }) => id === 'never-seen')?.match).toBe('unknown');
  });
});

describe('versions', () => {
  // Rising; each was put before the next by `dpkg --compare-versions` or by semver 2.0.0, section 11.
  const rising = [
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1~rc1',
    '1.0.1',
    '1.0.1+b1',
    '1.2',
    '1.9.10',
    '1.10',
    'v2.0.0',
    '1:0.1',
  ];

  it('rise as Debian and semver say', () => {
    rising.forEach((low, index) => {
      expect(compareVersions(low, low)).toBe(0);
      for (const high of rising.slice(index + 1)) {
        expect(compareVersions(low, high), `${low} < ${high}`).toBeLessThan(0);
        expect(compareVersions(high, low), `${high} > ${low}`).toBeGreaterThan(0);
      }
    });
  });

  it('are compared as exactly as the bound is written', () => {
    expect(compareVersions('1.7.24-1+deb12u1', '1.7.24')).toBe(0);
    expect(compareVersions('1.7.24-1', '1.7.24-2')).toBeLessThan(0);
    expect(compareVersions('2.1', '2.1.0')).toBeLessThan(0);
  });
});
