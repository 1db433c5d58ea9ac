import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CliOutcome } from '../../helpers/cli.js';
import { root } from '../../helpers/cli.js';
import { requires } from '../../helpers/requires.js';
import { SshWorld } from '../../helpers/ssh-world.js';

const need = requires('root', 'sshd', 'ssh', 'unshare', 'ip', 'openssl');
const fixtures = path.join(root, 'test/fixtures');
const two = (n: number): string => String(n).padStart(2, '0');
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const hosts = Object.fromEntries([
  ...numbers(20).map((n) => [`till-oslo-${two(n)}.stores.example.net`, `10.231.1.${n}`]),
  ...numbers(10).map((n) => [`till-bergen-${n}.stores.example.net`, `10.231.4.${n}`]),
  ...numbers(12).map((n) => [`office-${'abcdefghijkl'[n - 1] ?? ''}.office.example.net`, `10.231.5.${n}`]),
  ...numbers(60).map((n) => [`pos-0${two(n)}.berlin.example.net`, `10.231.6.${n}`]),
]);

interface Node {
  id: string;
  via: { name: string }[];
  groups: string[];
}

describe.skipIf(need.skip)('a fleet as it is', { timeout: 900_000 }, () => {
  let world: SshWorld;
  let dir: string;
  beforeAll(async () => {
    // Nobody names a key for the relay: ssh, too, would try the usual one there.
    const keys = ['fleet_ed25519', 'gateways_ed25519', 'id_ed25519'];
    const users = ['store', 'caisse', 'berg', 'ops', 'relay', 'inner'];
    // Behind the first hop nobody else comes in, so that who goes another way fails.
    const onlyHops = ['AllowUsers relay'];
    const sshds = {
      22: ['DenyUsers relay inner'],
      2222: ['DenyUsers relay inner'],
      2200: onlyHops,
      2201: ['AllowUsers inner'],
    };
    world = await SshWorld.start({ users, sshds, hosts, keys });
    dir = mkdtempSync(path.join(tmpdir(), 'edgectl-as-is-'));
  });
  afterAll(async () => {
    await world?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const must = async (cwd: string, ...argv: string[]): Promise<CliOutcome> => {
    const outcome = await world.edgectl(cwd, ...argv);
    expect([outcome.exitCode, outcome.exitCode === 0 ? '' : outcome.stdout + outcome.stderr]).toEqual([0, '']);
    return outcome;
  };
  const json = async <T>(cwd: string, ...argv: string[]): Promise<T> =>
    (JSON.parse((await must(cwd, ...argv.slice(0, 2), '--json', ...argv.slice(2))).stdout) as { result: T }).result;
  /** Pins everything, asks every node who it takes us for, and answers that by node. */
  const work = async (cwd: string): Promise<{ nodes: Node[]; logins: Map<string, string> }> => {
    const { nodes } = await json<{ nodes: Node[] }>(cwd, 'fleet', 'list');
    const chain = [...new Set(nodes.flatMap(({ via }) => via.map(({ name }) => name)))];
    for (const bastion of chain) await must(cwd, 'node', 'trust', '--bastion', bastion, '--yes');
    await must(cwd, 'node', 'trust', '--all', '--yes');
    const facts = await json<{ nodes: { id: string; kernel?: string }[] }>(cwd, 'node', 'facts');
    expect(facts.nodes.filter(({ kernel }) => kernel === undefined)).toEqual([]);
    const told = await json<{ nodes: { node: string; stdout: string }[] }>(
      cwd,
      'node',
      'exec',
      '--all',
      '--yes',
      '--',
      'id',
      '-un',
    );
    return { nodes, logins: new Map(told.nodes.map(({ node, stdout }) => [node, stdout.trim()])) };
  };

  it('comes out of an Ansible project of sixty hosts and is worked on without a line changed', async () => {
    const project = path.join(dir, 'project');
    cpSync(path.join(fixtures, 'ansible-project'), project, { recursive: true });
    const imported = await must(project, 'fleet', 'import', 'ansible.cfg', '--site-from', 'group:site_*', '--yes');
    expect(imported.stderr).toContain('always checks host keys');
    expect(imported.stderr).toContain('encrypted by ansible-vault');
    const { nodes, logins } = await work(project);
    expect(nodes).toHaveLength(60);
    const of = (pattern: RegExp): string[] => [
      ...new Set([...logins].flatMap(([id, user]) => (pattern.test(id) ? [user] : []))),
    ];
    expect(of(/^till-oslo/u)).toEqual(['store']);
    expect(of(/^10[.-]231/u)).toEqual(['caisse']);
    expect(of(/^till-bergen/u)).toEqual(['berg']);
    expect(of(/^office-/u)).toEqual(['ops']);
    expect([logins.get('gw-oslo'), logins.get('gw-lyon'), logins.get('gw-bergen')]).toEqual(['store', 'store', 'ops']);
    const direct = nodes.filter(({ via }) => via.length === 0).map(({ groups }) => groups);
    expect(direct).toEqual(Array.from({ length: 12 }, () => ['office']));
    const selected = await json<{ nodes: unknown[] }>(project, 'fleet', 'list', '--on', 'group=norway and group=tills');
    expect(selected.nodes).toHaveLength(30);
  });

  it('comes out of an ssh_config with two hops, likewise', async () => {
    mkdirSync(path.join(world.home, '.ssh'), { recursive: true });
    cpSync(path.join(fixtures, 'ssh-two-hops'), path.join(world.home, '.ssh'), { recursive: true });
    const repository = path.join(dir, 'shops');
    mkdirSync(repository);
    await must(repository, 'fleet', 'import', path.join(world.home, '.ssh/config'), '--host', 'pos-[001-060]', '--yes');
    const { nodes, logins } = await work(repository);
    expect(nodes).toHaveLength(60);
    expect(new Set(nodes.map(({ via }) => via.length))).toEqual(new Set([2]));
    expect(new Set(logins.values())).toEqual(new Set(['store']));
    expect(logins.size).toBe(60);
  });
});
