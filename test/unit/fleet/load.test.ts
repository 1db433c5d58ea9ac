import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EdgectlError } from '../../../src/errors/error.js';
import { findFleet } from '../../../src/fleet/find.js';
import { labMarker, loadFleet } from '../../../src/fleet/load.js';

const head = 'id: 01JD8Q2V9Y3K5M7N9P1R3T5V7X\nname: acme\n';
const digest = 'a'.repeat(64);
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'fleet-'));
});
afterEach(async () => rm(dir, { recursive: true }));

async function put(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(dir, file)), { recursive: true });
  await writeFile(path.join(dir, file), text);
}

async function errorLines(): Promise<readonly string[]> {
  try {
    await loadFleet(dir, { env: {} });
  } catch (error) {
    if (error instanceof EdgectlError && error.code === 'CONFIG_INVALID') return error.lines;
    throw error;
  }
  throw new Error('the fleet was accepted');
}

describe('loading a fleet repository', () => {
  it('fills in every default', async () => {
    await put('fleet.yaml', `${head}nodes:\n  a: { address: 10.0.0.1 }\n`);
    const fleet = await loadFleet(dir, { env: {} });
    expect(fleet.nodes).toEqual([
      {
        id: 'a',
        address: '10.0.0.1',
        port: 22,
        user: 'edgectl',
        identity: [],
        site: 'default',
        region: 'default',
        labels: {},
        via: [],
        transport: 'ssh',
        groups: [],
        wariness: 0,
        state: 'in-service',
      },
    ]);
    expect([...fleet.policies.keys()]).toEqual(['default', 'rehearsal']);
    expect(fleet.policies.get('default')?.health).toEqual({ windowS: 90, passes: 5, capS: 300, confirmS: 300 });
    expect(fleet.policies.get('rehearsal')).toMatchObject({ rehearsal: true, health: { windowS: 10 } });
    expect(fleet.knownHostsFile).toBe(path.join(dir, 'known_hosts'));
  });

  it('takes the way to a node from the node, its site, the defaults, in this order', async () => {
    await put(
      'fleet.yaml',
      `${head}defaults: { user: ops, via: far, identity: k, labels: { fleet: a, ring: late } }
bastions: { far: { address: far.example.org }, near: { address: 10.0.0.1, port: 2222, user: jump, identity: [] } }
sites: { s: { via: [far, near], transport: openssh, labels: { ring: early } } }
nodes:
  a: { address: a.example.org }
  b: { address: b.example.org, site: s, groups: [web, db] }
  c: { address: c.example.org, site: s, via: [], transport: ssh, labels: { ring: x } }
`,
    );
    const { nodes } = await loadFleet(dir, { env: {} });
    const far = { name: 'far', address: 'far.example.org', port: 22, user: 'ops', identity: [path.join(dir, 'k')] };
    const near = { name: 'near', address: '10.0.0.1', port: 2222, user: 'jump', identity: [] };
    expect(nodes.map(({ via, transport }) => ({ via, transport }))).toEqual([
      { via: [far], transport: 'ssh' },
      { via: [far, near], transport: 'openssh' },
      { via: [], transport: 'ssh' },
    ]);
    expect(nodes[1]?.groups).toEqual(['web', 'db']);
    expect(nodes.map(({ labels }) => labels)).toEqual([
      { fleet: 'a', ring: 'late' },
      { fleet: 'a', ring: 'early' },
      { fleet: 'a', ring: 'x' },
    ]);
  });

  it('keeps text as it was written: versions, labels and names are never numbers or booleans', async () => {
    await put('fleet.yaml', `${head}nodes:\n  a: { address: 10.0.0.1, labels: { shop: 007, open: on, v: 1.10 } }\n`);
    await put('runtimes.yaml', `- runtime: runc\n  version: 1.10\n  digest: sha256:${digest}\n`);
    const fleet = await loadFleet(dir, { env: {} });
    expect(fleet.nodes[0]?.labels).toEqual({ shop: '007', open: 'on', v: '1.10' });
    expect(fleet.runtimes).toEqual([{ component: 'runc', version: '1.10', digests: { all: digest }, on: '' }]);
  });

  it('has a digest that changes with what is said, not with comments or the order of keys', async () => {
    await put('fleet.yaml', `${head}nodes:\n  a: { address: 10.0.0.1 }\n`);
    const before = (await loadFleet(dir, { env: {} })).digest;
    await put(
      'fleet.yaml',
      `# hello\nname: acme\nid: 01JD8Q2V9Y3K5M7N9P1R3T5V7X\nnodes:\n  a:\n    address: "10.0.0.1"\n`,
    );
    expect((await loadFleet(dir, { env: {} })).digest).toBe(before);
    await put('known_hosts', 'a ssh-ed25519 AAAA\n');
    expect((await loadFleet(dir, { env: {} })).digest).toBe(before);
    await put('fleet.yaml', `${head}nodes:\n  a: { address: 10.0.0.2 }\n`);
    expect((await loadFleet(dir, { env: {} })).digest).not.toBe(before);
  });

  it('tells which content of runtimes.yaml it read, by the name that git gives it', async () => {
    await put('fleet.yaml', head);
    await put('runtimes.yaml', '');
    // `git hash-object /dev/null` is e69de29bb2d1d6434b8b29ae775ad8c2e48c5391.
    expect((await loadFleet(dir, { env: {} })).source).toBe('runtimes.yaml @ e69de29');
  });

  it('finds the repository upwards, and says where it looked', async () => {
    await put('fleet.yaml', head);
    await mkdir(path.join(dir, 'x/y'), { recursive: true });
    expect(await findFleet(path.join(dir, 'x/y'))).toBe(dir);
    await expect(loadFleet(path.join(dir, 'x'), { env: {} })).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND' });
    await expect(findFleet('/')).rejects.toMatchObject({ code: 'CONFIG_NOT_FOUND' });
  });

  it('accepts lab: true only beside the marker that edgectl lab writes', async () => {
    await put('fleet.yaml', `${head}lab: true\n`);
    expect(await errorLines()).toEqual([
      expect.stringMatching(/^fleet\.yaml:3:6: lab: only a fleet that edgectl lab made/),
    ]);
    await put(labMarker, '');
    expect((await loadFleet(dir, { env: {} })).lab).toBe(true);
  });

  it('takes what a policy leaves out from the built-in default', async () => {
    await put('fleet.yaml', head);
    await put(
      'policies/quick.yaml',
      'health: { window: 1m30s, passes: 2 }\nstages:\n- name: one\n  offline: { mode: wait }\n',
    );
    const policy = (await loadFleet(dir, { env: {} })).policies.get('quick');
    expect(policy).toMatchObject({ name: 'quick', rehearsal: false, validForMs: 86_400_000 });
    expect(policy?.health).toEqual({ windowS: 90, passes: 2, capS: 300, confirmS: 300 });
    expect(policy?.stages).toEqual([{ name: 'one', offline: { mode: 'wait' } }]);
  });
});

describe('a written stage that is called like a built-in one', () => {
  it('takes from it what it leaves out, but no maxFailed beside a percentage of its own', async () => {
    await put('fleet.yaml', head);
    await put('policies/p.yaml', 'stages:\n- { name: canary, soak: 1m }\n- { name: rest, gate: { success: 100% } }\n');
    const stages = (await loadFleet(dir, { env: {} })).policies.get('p')?.stages;
    expect(stages?.[0]).toMatchObject({
      select: { limit: '5%' },
      soakMs: 60_000,
      gate: { minSample: 3, maxFailed: 0 },
    });
    expect(stages?.[1]?.gate).toEqual({ success: '100%', minSample: 1, onFail: 'pause' });
  });
});

describe('errors in a fleet repository', () => {
  it('come all at once, each with file, line, column, what was expected and what was found', async () => {
    await put(
      'fleet.yaml',
      `id: nope
name: acme
reginos: {}
regions: { emea: }
sites:
  berlin: { region: emae }
nodes:
  a: { address: 10.0.0.256, site: berlin }
  b: { address: b.example.org, site: berln, port: ssh }
  c: { site: berlin, wariness: 2, state: retierd }
  "bad name": { address: 10.0.0.1 }
  d: [10.0.0.1]
`,
    );
    await put('runtimes.yaml', `- runtime: runc\n  version: 1.3.6\n  digest: sha256:12\n  on: site=berlin and (x\n`);
    await put('policies/p.yaml', 'stages:\n- name: canary\n  soak: soon\n  gate: { succes: 90% }\napprove: after\n');
    expect(await errorLines()).toEqual([
      'fleet.yaml:1:5: id: expected a ULID: 26 letters and digits, written by edgectl init, found “nope”',
      'fleet.yaml:3:1: “reginos” is not known here; did you mean “regions”?',
      'fleet.yaml:6:21: sites.berlin.region: there is no region “emae”; did you mean “emea”?',
      'fleet.yaml:8:17: nodes.a.address: expected a host name or an IP address, found “10.0.0.256”',
      'fleet.yaml:9:38: nodes.b.site: there is no site “berln”; did you mean “berlin”?',
      'fleet.yaml:9:51: nodes.b.port: expected a port from 1 to 65535, found “ssh”',
      'fleet.yaml:10:3: nodes.c.address: missing; expected a host name or an IP address',
      'fleet.yaml:10:32: nodes.c.wariness: expected a number from 0 to 1, found “2”',
      'fleet.yaml:10:42: nodes.c.state: expected one of in-service, drained, retired, found “retierd”',
      'fleet.yaml:11:3: nodes: expected a name: letters, digits, “.”, “_”, “-”, at most 63, no word of the selector language, found “bad name”',
      'fleet.yaml:12:6: nodes.d: expected a map with at least an address, found a list',
      'policies/p.yaml:3:9: stages[0].soak: expected a duration such as 90s, 15m or 2h, found “soon”',
      'policies/p.yaml:4:11: stages[0].gate: “succes” is not known here; did you mean “success”?',
      'policies/p.yaml:5:1: “approve” is not supported by this version',
      'runtimes.yaml:3:11: [0].digest: expected a sha256 digest: 64 hexadecimal digits, found “sha256:12”',
      'runtimes.yaml:4:7: [0].on: The selector cannot be read: expected “)”, found the end (character 19 of “site=berlin and (x”)',
    ]);
  });

  it('name bastions that nobody declares', async () => {
    await put(
      'fleet.yaml',
      `${head}bastions: { hop: { address: h.example.org } }\nsites: { s: { via: [hop, hpo] } }\nnodes:\n  a: { address: 10.0.0.1, via: x }\n`,
    );
    expect(await errorLines()).toEqual([
      'fleet.yaml:4:20: sites.s.via: there is no bastion “hpo”; did you mean “hop”?',
      'fleet.yaml:6:32: nodes.a.via: there is no bastion “x”; declare it under bastions',
    ]);
  });

  it('name duplicate keys at the second one', async () => {
    await put(
      'fleet.yaml',
      `${head}nodes:\n  a: { address: 10.0.0.1 }\n  b: { address: 10.0.0.2 }\n  a: { address: 10.0.0.3 }\n`,
    );
    expect(await errorLines()).toEqual(['fleet.yaml:6:3: “a” is there twice']);
  });

  it('name the line of bad YAML', async () => {
    await put('fleet.yaml', `${head}nodes:\n\ta: {}\n`);
    expect((await errorLines())[0]).toMatch(/^fleet\.yaml:4:1: not valid YAML/);
    await put('fleet.yaml', `${head}nodes: { a: { address: 10.0.0.1 }\n`);
    expect((await errorLines())[0]).toMatch(/^fleet\.yaml:\d+:\d+: not valid YAML/);
  });

  it('tell of a node that a selector spells out and the fleet does not have', async () => {
    await put('fleet.yaml', `${head}nodes:\n  pos-001: { address: 10.0.0.1 }\n`);
    const before = `- { runtime: runc, version: 1.3.6, digest: ${digest}, on: `;
    const column = before.length + 1;
    await put('runtimes.yaml', `${before}"pos-* and not pos-01" }\n`);
    expect(await errorLines()).toEqual([
      `runtimes.yaml:1:${column}: [0].on: there is no node “pos-01”; did you mean “pos-001”? (character 15 of “pos-* and not pos-01”)`,
    ]);
  });

  it('tell of a policy with two stages of a name, and of a file that may not take the built-in rehearsal’s place', async () => {
    await put('fleet.yaml', head);
    await put('policies/p.yaml', 'stages:\n- name: a\n- name: a\n');
    await put('policies/rehearsal.yaml', '');
    expect(await errorLines()).toEqual([
      'policies/p.yaml:3:9: stages[1].name: expected another name: each stage has its own, found “a”',
      'policies/rehearsal.yaml: the name “rehearsal” belongs to the built-in policy',
    ]);
  });

  it('are cut short when there are very many', async () => {
    const nodes = Array.from({ length: 80 }, (_, index) => `  n${index}: { address: "?" }`).join('\n');
    await put('fleet.yaml', `${head}nodes:\n${nodes}\n`);
    const lines = await errorLines();
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toBe('… and 30 more');
  });
});
