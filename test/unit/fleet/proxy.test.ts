import { describe, expect, it } from 'vitest';
import { environmentOf, proxyOf } from '../../../src/fleet/proxy.js';
import type { FleetNode, FleetSite } from '../../../src/fleet/types.js';

const node = (id: string, site: string): FleetNode => ({
  ...{ id, site, address: id, port: 22, user: 'edgectl', identity: [], via: [], transport: 'ssh', region: 'default' },
  ...{ groups: [], labels: {}, wariness: 0, state: 'in-service' },
});
const site = (proxy?: string): FleetSite => ({
  region: 'default',
  labels: {},
  ...(proxy === undefined ? {} : { proxy }),
});

describe('the proxy for a line of runtimes.yaml', () => {
  const nodes = [node('a1', 'a'), node('a2', 'a'), node('b1', 'b'), node('c1', 'c'), node('d1', 'd')];
  const sites = new Map([
    ['a', site('http://one:3128')],
    ['b', site('http://one:3128')],
    ['c', site('direct')],
    ['d', site()],
  ]);
  it.each([
    ['site=a', 'http://one:3128'],
    ['site in (a,b)', 'http://one:3128'],
    ['site=c', null],
    ['site=d', undefined],
    ['site in (a,c)', undefined],
    ['site in (a,d)', undefined],
    ['', undefined],
    ['site=nowhere', undefined],
  ])('of nodes %s is %s', (on, proxy) => {
    expect(proxyOf({ nodes, sites }, { on })).toBe(proxy);
  });

  it('goes before that of the environment', () => {
    const env = { http_proxy: 'http://env:1', NO_PROXY: 'one', HOME: '/h' };
    expect(environmentOf(env, undefined)).toBe(env);
    expect(environmentOf(env, null)).toEqual({ HOME: '/h' });
    expect(environmentOf(env, 'http://one:3128')).toEqual({
      HOME: '/h',
      http_proxy: 'http://one:3128',
      https_proxy: 'http://one:3128',
    });
  });
});
