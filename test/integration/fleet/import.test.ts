import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import FleetExport from '../../../src/commands/fleet/export.js';
import FleetImport from '../../../src/commands/fleet/import.js';
import FleetList from '../../../src/commands/fleet/list.js';
import FleetSelect from '../../../src/commands/fleet/select.js';
import FleetTrust from '../../../src/commands/fleet/trust.js';
import { openJournal } from '../../../src/journal/journal.js';
import { journalFile } from '../../../src/journal/paths.js';
import { rememberFacts } from '../../../src/operations/knowledge.js';
import type { NodeFacts } from '../../../src/facts/facts.js';
import type { CliOutcome, CommandClass } from '../../helpers/cli.js';
import { root, runInProcess } from '../../helpers/cli.js';

const id = '01JD8Q2V9Y3K5M7N9P1R3T5V7X';
const stores = path.join(root, 'test/fixtures/ansible-stores/inventory');
const now = Date.parse('2026-01-02T00:00:00Z');
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'edgectl-import-'));
});
afterEach(async () => rm(dir, { recursive: true }));

async function run(command: unknown, name: string, ...argv: string[]): Promise<CliOutcome> {
  const options = { cwd: dir, columns: 120, env: { HOME: dir, USER: 'ops' }, now };
  return await runInProcess(Object.assign(command as CommandClass, { id: `fleet:${name}` }), argv, options);
}
const put = async (file: string, text: string): Promise<void> => {
  await mkdir(path.dirname(path.join(dir, file)), { recursive: true });
  await writeFile(path.join(dir, file), text);
};

describe('edgectl fleet import', () => {
  it('makes a fleet of an inventory in one command, with sites of its groups, and again the same', async () => {
    const argv = [stores, '--site-from', 'group:site_*', '--yes'];
    const first = await run(FleetImport, 'import', ...argv);
    expect(first).toMatchObject({ exitCode: 0 });
    expect(first.stderr).toContain('encrypted by ansible-vault');
    const file = await readFile(path.join(dir, 'nodes/ansible.yaml'), 'utf8');
    expect(file).not.toMatch(/in-the-clear|ANSIBLE_VAULT/);
    expect(
      (await run(FleetList, 'list', '--on', 'site=oslo and group=tills', '-o', 'name')).stdout.split('\n'),
    ).toHaveLength(19);
    expect((await run(FleetList, 'list', '--on', 'site=osaka and fleet_role=shop', '-o', 'name')).stdout).toBe(
      'till-osaka-1\ntill-osaka-2\n2001-db8-51--3\n',
    );
    expect((await run(FleetImport, 'import', ...argv)).exitCode).toBe(0);
    expect(await readFile(path.join(dir, 'nodes/ansible.yaml'), 'utf8')).toBe(file);
  });

  it('writes nothing when a line is not understood, and the rest with --partial', async () => {
    await put('hosts', 'good ansible_host=10.0.0.1\nbad nonsense\nworse ansible_port=x\n');
    const refused = await run(FleetImport, 'import', 'hosts', '--yes', '--json');
    expect(refused.exitCode).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: 'IMPORT_INCOMPLETE', data: { errors: [{ line: 2 }, { line: 3 }] } },
    });
    await expect(readFile(path.join(dir, 'fleet.yaml'))).rejects.toThrow('ENOENT');
    const partial = await run(FleetImport, 'import', 'hosts', '--yes', '--partial', '-o', 'name');
    expect(partial).toMatchObject({ exitCode: 0, stdout: 'good\nbad\n' });
  });

  it('reads spreadsheets: any separator, quotes, line breaks, titles of their own, and UTF-16', async () => {
    const text =
      '\uFEFFStore;Mgmt IP;Shop No;via;note\r\nkasse-1;10.0.0.1;007;ops@10.9.9.9:22;"a;b ""c""\nd"\r\n\r\nkasse-2;10.0.0.2;008;;\r\n';
    await writeFile(path.join(dir, 'a.csv'), Buffer.from(text, 'utf16le'));
    const argv = ['a.csv', '--column', 'name=Store', '--column', 'address=Mgmt IP', '--yes'];
    expect((await run(FleetImport, 'import', ...argv)).exitCode).toBe(0);
    const rows = JSON.parse((await run(FleetList, 'list', '--json')).stdout) as { result: { nodes: object[] } };
    expect(rows.result.nodes).toMatchObject([
      {
        id: 'kasse-1',
        address: '10.0.0.1',
        labels: { Shop_No: '007', note: 'a;b "c"\nd' },
        via: [{ address: '10.9.9.9', user: 'ops' }],
      },
      { id: 'kasse-2', labels: { Shop_No: '008' }, via: [] },
    ]);
    await put('b.csv', 'a,b\n1,2\n');
    const wrong = await run(FleetImport, 'import', 'b.csv', '--yes');
    expect(wrong.stderr).toContain('b.csv:1: no column is a name or an address (titles: a, b)');
  });

  it('merges sources: an inventory, and the ssh_config that knows the addresses', async () => {
    await put('hosts', '[web]\nx\ny ansible_host=10.0.0.9\n');
    await put(
      'ssh_config',
      'Host x y\n  User tech\n  HostName %h.example.net\n  ProxyJump hop\nHost hop\n  HostName 10.1.1.1\n',
    );
    expect((await run(FleetImport, 'import', 'hosts', 'ssh_config', '--yes', '--name', 'all')).exitCode).toBe(0);
    const exported = await run(FleetExport, 'export', '--format', 'ansible-ini');
    expect(exported.stdout.split('\n').slice(0, 2)).toEqual([
      expect.stringMatching(
        /^x ansible_host=x\.example\.net ansible_port=22 ansible_user=tech ansible_ssh_common_args="'-J ops@10\.1\.1\.1:22'"/,
      ),
      expect.stringMatching(/^y ansible_host=10\.0\.0\.9/),
    ]);
  });
});

describe('nodes that a program prints', () => {
  const program = '#!/bin/sh\nprintf \'{"nodes": {"p-%s": {"address": "10.0.0.%s", "port": 2201}}}\' 1 1\n';
  beforeEach(async () => {
    await put('fleet.yaml', `id: ${id}\nname: acme\nnodes: { exec: [sources/cloud, --all], timeout: 20s }\n`);
    await put('nodes/fixed.yaml', 'nodes:\n  f: { address: 10.0.0.7 }\n');
    await put('sources/cloud', program);
    await chmod(path.join(dir, 'sources/cloud'), 0o755);
  });
  const list = async (): Promise<CliOutcome> => await run(FleetList, 'list', '-o', 'name');

  it('run only after trust, beside other files, and trust ends with any change in their folder', async () => {
    const refused = await list();
    expect(refused.exitCode).toBe(4);
    expect(refused.stderr).toMatch(/you have not trusted this repository yet; nothing\s+was run/);
    expect((await run(FleetTrust, 'trust', '--yes', '--digest', 'f'.repeat(64))).exitCode).toBe(4);
    expect((await list()).exitCode).toBe(4);
    const trusted = await run(FleetTrust, 'trust', '--yes');
    expect(trusted.stderr).toContain('fleet.yaml runs  sources/cloud --all');
    expect(await list()).toMatchObject({ exitCode: 0, stdout: 'f\np-1\n' });
    await put('nodes/fixed.yaml', 'nodes:\n  g: { address: 10.0.0.7 }\n');
    expect((await list()).exitCode).toBe(0);
    await put('sources/helper.sh', 'x');
    const changed = await list();
    expect(changed.exitCode).toBe(4);
    expect(changed.stderr).toContain('has changed since you trusted it');
  });

  it.each([
    ['#!/bin/sh\necho "no credentials" >&2; exit 3\n', 1, 'ended with 3'],
    ['#!/bin/sh\necho hello\n', 1, 'did not print JSON'],
    ['#!/bin/sh\nyes 0123456789012345678901234567890123456789\n', 1, 'printed more than 16 MiB'],
    [
      '#!/bin/sh\necho \'{"nodes": {"a": {"address": "?"}}}\'\n',
      64,
      'nodes.a.address: expected a host name or an IP address, found “?”',
    ],
    [
      '#!/bin/sh\necho \'{"nodes": {"f": {"address": "10.0.0.1"}}}\'\n',
      64,
      'nodes.f: is there already, in nodes/fixed.yaml',
    ],
  ])('are refused when it fails: %j', async (text, exitCode, message) => {
    await put('sources/cloud', text);
    await run(FleetTrust, 'trust', '--yes');
    const outcome = await list();
    expect(outcome.stderr.replace(/\s+/g, ' ')).toContain(message);
    expect(outcome.exitCode).toBe(exitCode);
  });
});

describe('edgectl fleet select', () => {
  it('answers from the journal with its age, says what is not known, and opens none for a static selector', async () => {
    await put(
      'fleet.yaml',
      `id: ${id}\nname: acme\nnodes:\n  a: { address: 10.0.0.1 }\n  b: { address: 10.0.0.2 }\n  c: { address: 10.0.0.3 }\n`,
    );
    const file = journalFile(id, {}, dir);
    expect((await run(FleetSelect, 'select', 'a')).exitCode).toBe(0);
    await expect(readFile(file)).rejects.toThrow('ENOENT');
    const nothing = await run(FleetSelect, 'select', 'drifted');
    expect(nothing.exitCode).toBe(64);
    expect(nothing.stderr).toContain('edgectl node facts');

    const journal = await openJournal({ file, now: () => now - 3 * 3600 * 1000, lookOnly: true });
    const facts = {
      at: '',
      kit: true,
      arch: 'arm64',
      components: { managed: {}, unmanaged: { containerd: '1.7.1' }, trial: false },
    };
    await rememberFacts(journal, [
      { node: 'a', ok: true, facts: facts as unknown as NodeFacts },
      { node: 'b', ok: false, why: 'no-route', message: '', answer: { kind: 'unreachable', message: '' } as never },
    ]);
    await journal.close();
    const shown = await run(FleetSelect, 'select', 'runtime.containerd<2.1');
    expect(shown.stdout).toMatch(/^a +runtime\.containerd<2\.1 +1\.7\.1 \(3 h ago\)$/m);
    expect(shown.stderr).toContain('not known, and left out: 2 nodes (b, c)');
    expect((await run(FleetList, 'list', '--on', 'offline', '-o', 'name')).stdout).toBe('b\n');
    expect((await run(FleetSelect, 'select', '2 of not b', '-o', 'name')).stdout).toBe('a\nc\n');
    const wrong = await run(FleetSelect, 'select', 'arch<');
    expect(wrong.exitCode).toBe(64);
    expect(wrong.stderr).toContain(`    arch<\n    ${' '.repeat(5)}^`);
  });
});
