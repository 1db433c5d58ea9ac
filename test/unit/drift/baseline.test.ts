import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assess } from '../../../src/drift/assess.js';
import { baselineOf } from '../../../src/drift/baseline.js';
import { differences } from '../../../src/drift/diff.js';
import { expectationsOf } from '../../../src/drift/expectations.js';
import { loadFleet } from '../../../src/fleet/load.js';
import { hostile } from '../render/reports/sample-report.js';
import { input, now, seen } from './sample.js';

const values = {
  'sysctl.net.ipv4.tcp_rmem': '4096 131072 6291456',
  'sysctl.kernel.core_pattern': '|/usr/lib/systemd/systemd-coredump %P %u',
  'kernel.options': 'mitigations=auto,nosmt panic=10 quiet',
  'kernel.cmdline': 'root=/dev/sda1 mitigations=auto,nosmt panic=10 quiet',
  'file./etc/motd.digest': `sha256:${'a'.repeat(64)}`,
  'file./etc/motd.mode': '0644',
  'file./etc/motd.owner': 'root:root',
  'file./etc/a b: #c.digest': 'absent',
  'file./etc/a b: #c.mode': 'absent',
  'file./etc/a b: #c.owner': 'absent',
  'unit.ssh.service.active': 'active',
  'package.libc6': '2.36-9+deb12u10',
  'package.telnetd': 'absent',
  'os.hostname': 'a',
};
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'fleet-'));
  const nodes = 'nodes:\n  a: { address: 10.0.0.1 }\n  b: { address: 10.0.0.2 }\n';
  await writeFile(path.join(dir, 'fleet.yaml'), `id: 01JD8Q2V9Y3K5M7N9P1R3T5V7X\nname: acme\n${nodes}`);
});
afterEach(async () => rm(dir, { recursive: true }));

describe('a baseline', () => {
  it('is desired state that the same node meets in every point', async () => {
    const observations = [...seen('a', values), ...seen('b', values)];
    await writeFile(path.join(dir, 'desired.yaml'), baselineOf({ nodes: ['a', 'b'], observations, on: 'a, b', now }));
    const fleet = await loadFleet(dir, { env: {} });
    const expectations = expectationsOf(fleet);
    expect(expectations.map(({ attribute }) => attribute).sort()).toEqual(
      [
        ...Object.keys(values).filter((name) => !/^(os|kernel)\.|#c\.(mode|owner)/.test(name)),
        ...['mitigations', 'panic', 'quiet'].map((name) => `kernel.parameter.${name}`),
      ].sort(),
    );
    expect(assess(input({ nodes: fleet.nodes, expectations, observations })).findings).toEqual([]);
    const drifted = observations.map((one) => ({ ...one, value: `${one.value ?? ''}x` }));
    expect(assess(input({ nodes: fleet.nodes, expectations, observations: drifted })).findings).toHaveLength(
      // Two of the three kernel parameters stand before the end of the line.
      2 * (expectations.length - 2),
    );
  });

  it('leaves what is not the same on all to a person, in comments', () => {
    const observations = [
      ...seen('a', { 'sysctl.vm.swappiness': '10', 'unit.x.service.active': 'failed' }),
      ...seen('b', { 'sysctl.vm.swappiness': '60', 'unit.x.service.active': 'failed' }),
    ];
    const text = baselineOf({ nodes: ['a', 'b'], observations, on: 'all', now });
    expect(text).toContain('# not the same on all: sysctl.vm.swappiness: 1 have 10, 1 have 60');
    expect(text).toContain('# cannot stand in desired.yaml: unit.x.service.active failed');
    expect(text).not.toMatch(/^ {4}\S/m);
  });

  it('stays one entry whatever a node says', async () => {
    const evil = [...hostile, 'x\n- on: b\n  sysctls: { a: b }', '"', '# comment', ' lead', 'null', '0x10', '~'];
    const observations = evil.flatMap((value, index) =>
      seen('a', { [`sysctl.a${index}`]: value, [`sysctl.${value}`]: '1', [`file./${value}.digest`]: value }),
    );
    const text = baselineOf({ nodes: ['a'], observations, on: 'a', now });
    await writeFile(path.join(dir, 'desired.yaml'), text);
    const fleet = await loadFleet(dir, { env: {} });
    expect(fleet.desired?.blocks.map(({ value }) => value.map(({ on }) => on))).toEqual([['a']]);
    expect(
      assess(input({ nodes: fleet.nodes.slice(0, 1), expectations: expectationsOf(fleet), observations })).findings,
    ).toEqual([]);
    // eslint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]|##\[/u);
  });
});

describe('two nodes beside each other', () => {
  it('differ in what both or one of them says, but not in what is their own or what neither can see', () => {
    const a = seen('a', { x: '1', same: '1', 'os.hostname': 'a', only: '1', dark: '?privilege', half: '?timeout' });
    const b = seen('b', { x: '2', same: '1', 'os.hostname': 'b', dark: '?privilege', half: '3' });
    expect(differences(a, b, (name) => name === 'os.hostname')).toEqual({
      same: 1,
      differences: [
        { attribute: 'half', a: { value: null, unknown: 'timeout' }, b: { value: '3' } },
        { attribute: 'only', a: { value: '1' }, b: { value: null } },
        { attribute: 'x', a: { value: '1' }, b: { value: '2' } },
      ],
    });
  });
});
