import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EdgectlError } from '../../../src/errors/error.js';
import { loadFleet } from '../../../src/fleet/load.js';
import type { Fleet } from '../../../src/fleet/types.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'fleet-'));
  await put('fleet.yaml', 'id: 01JD8Q2V9Y3K5M7N9P1R3T5V7X\nname: acme\nnodes:\n  a: { address: 10.0.0.1 }\n');
});
afterEach(async () => rm(dir, { recursive: true }));

async function put(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(dir, file)), { recursive: true });
  await writeFile(path.join(dir, file), text);
}
const load = async (): Promise<Fleet> => await loadFleet(dir, { env: {} });

async function errorLines(): Promise<readonly string[]> {
  try {
    await load();
  } catch (error) {
    if (error instanceof EdgectlError && error.code === 'CONFIG_INVALID') return error.lines;
    throw error;
  }
  throw new Error('the fleet was accepted');
}

describe('desired state besides runtimes', () => {
  it('is read from desired.yaml and state/*.yaml, with the digests of the files that it names', async () => {
    await put('files/motd', 'hello\n');
    await put(
      'desired.yaml',
      '- on: a\n  files: { /etc/motd: { content: files/motd, mode: 644 }, /etc/old: absent }\n',
    );
    await put('state/net.yaml', '- sysctls: { net.ipv4.ip_forward: 0 }\n');
    const { desired } = await load();
    expect(desired?.blocks.map(({ file }) => file)).toEqual(['desired.yaml', 'state/net.yaml']);
    expect(desired?.blocks[0]?.value[0]?.files).toEqual({
      '/etc/motd': { content: 'files/motd', mode: '0644' },
      '/etc/old': { absent: 'true' },
    });
    const digest = `sha256:${createHash('sha256').update('hello\n').digest('hex')}`;
    expect(desired?.contents.get('files/motd')).toBe(digest);
  });

  it('changes the digest of the fleet with what a content file holds', async () => {
    await put('files/motd', 'hello\n');
    await put('desired.yaml', '- files: { /etc/motd: { content: files/motd } }\n');
    const before = (await load()).digest;
    await put('files/motd', 'hello!\n');
    expect((await load()).digest).not.toBe(before);
  });

  it('tells every mistake with line and column, and what was probably meant', async () => {
    await put('secret', 'x');
    await symlink('/etc/hostname', path.join(dir, 'link'));
    await put(
      'desired.yaml',
      `- on: b
  sysctl: { vm.swappiness: 10 }
- severity: bad
  files:
    /etc/motd: { content: files/none }
    /etc/link: { content: link }
    /etc/up: { content: ../secret }
    /etc/both: { content: secret, digest: sha256:${'a'.repeat(64)} }
    /etc/mode: { mode: rw }
    etc/relative: absent
  units: { ssh: active, ssh.service: yes }
`,
    );
    expect(await errorLines()).toEqual([
      'desired.yaml:1:7: [0].on: there is no node “b”; did you mean “a”? (character 1 of “b”)',
      'desired.yaml:2:3: [0]: “sysctl” is not known here; did you mean “sysctls”?',
      'desired.yaml:3:13: [1].severity: expected one of breaking, cosmetic, found “bad”',
      'desired.yaml:7:25: [1].files./etc/up.content: expected the path of a file in this repository, found “../secret”',
      `desired.yaml:8:43: [1].files./etc/both.digest: expected either content or digest, not both, found “sha256:${'a'.repeat(53)}…”`,
      'desired.yaml:9:24: [1].files./etc/mode.mode: expected permissions in octal such as 0644, found “rw”',
      'desired.yaml:10:5: [1].files: expected an absolute path, found “etc/relative”',
      'desired.yaml:11:12: [1].units: expected the name of a unit with its ending, such as ssh.service, found “ssh”',
      'desired.yaml:11:38: [1].units.ssh.service: expected one of active, inactive, absent, found “yes”',
    ]);
  });

  it('takes no content file that is not there or lies outside of the repository', async () => {
    await symlink('/etc/hostname', path.join(dir, 'link'));
    await put('desired.yaml', '- files:\n    /etc/a: { content: files/none }\n    /etc/b: { content: link }\n');
    expect(await errorLines()).toEqual([
      'desired.yaml:2:24: [0].files./etc/a.content: there is no file “files/none” in this repository',
      'desired.yaml:3:24: [0].files./etc/b.content: “link” leads out of the repository',
    ]);
  });
});

describe('drift.yaml and advisories.yaml', () => {
  it('tell a bad expiry, a missing owner and a selector about the moment with line and column', async () => {
    await put(
      'drift.yaml',
      `ignore:
  - attributes: sysctl.*
    reason: kiosk
    owner: ops
    expires: 2027-02-30
  - attributes: []
    on: offline
    reason: x
    expires: tomorrow
peers: { majority: 40% }
`,
    );
    await put('advisories.yaml', 'CVE-2025-1:\n  component: runc\n  fix: 1.2.8\n');
    expect(await errorLines()).toEqual([
      'advisories.yaml:1:1: CVE-2025-1.fixed: missing; expected the version that is fixed, or a list with one for each branch',
      'advisories.yaml:3:3: CVE-2025-1: “fix” is not known here; expected one of component, fixed, from, summary',
      'drift.yaml:5:14: ignore[0].expires: expected a day such as 2027-01-31, found “2027-02-30”',
      'drift.yaml:6:5: ignore[1].owner: missing; expected who answers for it',
      'drift.yaml:6:17: ignore[1].attributes: expected the name of an attribute, or a list of them, found a list',
      'drift.yaml:7:9: ignore[1].on: “offline” is about the moment; desired state goes by names, fields and labels (character 1 of “offline”)',
      'drift.yaml:9:14: ignore[1].expires: expected a day such as 2027-01-31, found “tomorrow”',
      'drift.yaml:10:20: peers.majority: expected a percentage above 50%, found “40%”',
    ]);
  });

  it('take one value where a list may stand', async () => {
    await put(
      'drift.yaml',
      'ignore: [{ attributes: a.*, reason: r, owner: o, expires: 2027-01-31 }]\npeers: { by: site }\n',
    );
    await put('advisories.yaml', 'CVE-1: { component: runc, fixed: 1.3.6 }\n');
    const { desired } = await load();
    expect(desired?.drift?.value).toEqual({
      ignore: [{ attributes: ['a.*'], reason: 'r', owner: 'o', expires: '2027-01-31T23:59:59.999Z' }],
      peers: { by: ['site'] },
    });
    expect(desired?.advisories?.value).toEqual({ 'CVE-1': { component: 'runc', fixed: ['1.3.6'] } });
  });
});
