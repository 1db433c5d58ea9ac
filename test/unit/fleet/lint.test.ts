import { describe, expect, it } from 'vitest';
import { builtinPolicies, defaultPolicy } from '../../../src/fleet/builtin-policies.js';
import { describeNode } from '../../../src/fleet/describe-node.js';
import { lintFleet } from '../../../src/fleet/lint.js';
import { suggest } from '../../../src/fleet/suggest.js';
import type { Fleet, FleetNode } from '../../../src/fleet/types.js';
import { checkFleet } from '../../../src/plan/check-fleet.js';
import { lintPolicy } from '../../../src/plan/policy-lint.js';

const digests = { all: 'a'.repeat(64) };

function node(id: string, extra: Partial<FleetNode> = {}): FleetNode {
  const base = {
    address: `${id}.example.org`,
    port: 22,
    user: 'edgectl',
    identity: [],
    site: 'berlin',
    region: 'emea',
    via: [],
    transport: 'ssh' as const,
    groups: [],
  };
  return { id, ...base, labels: { role: 'pos' }, wariness: 0, state: 'in-service', ...extra };
}

function fleet(extra: Partial<Fleet>): Fleet {
  return {
    dir: '/fleet',
    id: '01JD8Q2V9Y3K5M7N9P1R3T5V7X',
    name: 'acme',
    lab: false,
    digest: '',
    source: 'runtimes.yaml @ e69de29',
    nodes: [node('a'), node('b')],
    runtimes: [],
    policies: new Map(builtinPolicies.map((policy) => [policy.name, policy])),
    knownHostsFile: '/fleet/known_hosts',
    allowedSignersFile: '/fleet/trust/allowed_signers',
    ...extra,
  };
}

describe('checking a fleet', () => {
  it('finds nothing to say of a good one', () => {
    expect(
      checkFleet(fleet({ runtimes: [{ component: 'runc', version: '1', digests, on: 'role=pos and site=berlin' }] })),
    ).toEqual([]);
  });

  it('finds two nodes at one address, but not where a retired one was', () => {
    const nodes = [node('a', { address: 'x' }), node('b', { address: 'X' }), node('c', { address: 'x', port: 23 })];
    expect(lintFleet(fleet({ nodes })).map((found) => found.message)).toEqual([
      'b and a have the same address, x port 22',
    ]);
    expect(
      lintFleet(fleet({ nodes: [node('a', { address: 'x' }), node('b', { address: 'x', state: 'retired' })] })),
    ).toEqual([]);
  });

  it('finds two versions of a component for one node, once for each pair', () => {
    const runtimes = [
      { component: 'runc', version: '1', digests, on: 'a' },
      { component: 'runc', version: '2', digests, on: 'role=pos' },
      { component: 'containerd', version: '2', digests, on: '' },
    ];
    expect(lintFleet(fleet({ runtimes }))).toEqual([
      {
        level: 'error',
        rule: 'two-versions',
        file: 'runtimes.yaml',
        message: '[1] runc: [0] asks for the same component on a',
      },
    ]);
  });

  it('finds words in selectors that nothing in the fleet has, and selectors that select nothing', () => {
    const on = 'siet=berlin or site=berln or rol=pos or state=off or region=em*';
    const messages = lintFleet(fleet({ runtimes: [{ component: 'runc', version: '1', digests, on }] })).map(
      (found) => found.message,
    );
    expect(messages).toEqual([
      '[0] runc: no node has a label “siet”; did you mean “site”?',
      '[0] runc: there is no site “berln”; did you mean “berlin”?',
      '[0] runc: no node has a label “rol”; did you mean “role”?',
      '[0] runc: there is no state “off”',
    ]);
    expect(
      lintFleet(fleet({ runtimes: [{ component: 'runc', version: '1', digests, on: 'not role=pos' }] })),
    ).toMatchObject([{ rule: 'selects-nothing' }]);
  });

  it('checks written policies against the nodes in service', () => {
    const stages = [{ name: 'canary', select: { labels: { role: 'gateway' }, limit: '5%' } }];
    const policies = new Map([['p', { ...defaultPolicy, name: 'p', stages }]]);
    const nodes = [node('a'), node('b'), node('c', { labels: { role: 'gateway' }, state: 'drained' })];
    expect(checkFleet(fleet({ policies, nodes }))).toMatchObject([
      { rule: 'empty-stage', file: 'policies/p.yaml', message: 'stage “canary”: no node is in it (role=gateway)' },
    ]);
  });

  it('does not blame a policy file in a small fleet for what it took from the built-in default', () => {
    const policies = new Map([['p', { ...defaultPolicy, name: 'p' }]]);
    const bare = ['a', 'b'].map((id) => ({ ...node(id), arch: '', os: '' }));
    expect(lintPolicy(defaultPolicy, bare)).not.toEqual([]);
    expect(checkFleet(fleet({ policies, nodes: [node('a'), node('b')] }))).toEqual([]);
  });
});

describe('describing a node', () => {
  it('tells its site and the desired state that selects it', () => {
    const runtimes = [
      { component: 'runc', version: '1', digests, on: 'a' },
      { component: 'containerd', version: '2', digests, on: 'not a' },
    ];
    const sites = new Map([['berlin', { region: 'emea', address: 'Torstrasse 1', labels: {} }]]);
    expect(describeNode(fleet({ runtimes, sites }), 'a')).toMatchObject({
      node: { id: 'a' },
      site: { address: 'Torstrasse 1' },
      runtimes: [{ component: 'runc' }],
    });
    expect(() => describeNode(fleet({ nodes: [node('pos-001')] }), 'pos-01')).toThrow('did you mean “pos-001”?');
  });
});

describe('a suggestion', () => {
  it.each([
    ['adress', 'address'],
    ['lables', 'labels'],
    ['SITE', 'site'],
    ['hostname', undefined],
    ['x', undefined],
  ])('for %s is %s', (word, expected) => {
    expect(suggest(word, ['address', 'labels', 'site', 'port'])).toBe(expected);
  });
});
