import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '../../../src/fleet/import/ssh-config/evaluate.js';
import { importSshConfig } from '../../../src/fleet/import/ssh-config/import.js';
import { parseSshConfig } from '../../../src/fleet/import/ssh-config/parse.js';
import type { Remark } from '../../../src/fleet/import/model.js';
import { root } from '../../helpers/cli.js';
import { requires } from '../../helpers/requires.js';

const exec = promisify(execFile);
const ssh = requires('ssh');
const user = { name: userInfo().username, home: userInfo().homedir };
let file: string;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'ssh-config-'));
  await cp(path.join(root, 'test/fixtures/ssh-config'), dir, { recursive: true });
  file = path.join(dir, 'config');
});
afterAll(async () => rm(dir, { recursive: true }));

describe.skipIf(ssh.skip)(`an ssh_config ${ssh.reason}`, () => {
  const hosts = [
    'edge-hop',
    'inner-hop',
    'till-1',
    'till-2',
    'till-3',
    'till-7',
    'till-9',
    'six',
    'lab-a',
    'lab-b',
    'other',
  ];

  it.each(hosts)('is read for %s as the real ssh reads it', async (host) => {
    const remarks: Remark[] = [];
    const directives = await parseSshConfig(file, { home: user.home, userDir: dir }, remarks);
    expect(remarks).toEqual([]);
    const found = evaluate(directives, host, user, remarks);
    // Relative includes of a file that is named by -F start at ~/.ssh, so the oracle gets them by their full path.
    const { stdout } = await exec('sh', [
      '-c',
      'sed "s|^Include conf.d|Include $2/conf.d|" "$2/config" > "$2/oracle" && ssh -F "$2/oracle" -G "$1"',
      'sh',
      host,
      dir,
    ]);
    const said = stdout.split('\n').map((line) => line.split(/ (.*)/s) as [string, string]);
    const of = (key: string): string | undefined => said.find(([name]) => name === key)?.[1];
    expect(found.hostname).toBe(of('hostname'));
    expect(found.options.get('user')?.value ?? user.name).toBe(of('user'));
    expect(found.options.get('port')?.value ?? '22').toBe(of('port'));
    expect(found.options.get('proxycommand')?.value).toBe(of('proxycommand'));
    const jump = found.options.get('proxyjump')?.value;
    expect(jump === 'none' ? undefined : jump).toBe(of('proxyjump'));
    const identities = said.flatMap(([key, value]) => (key === 'identityfile' ? [value] : []));
    expect(found.identities.map(({ value }) => value)).toEqual(identities);
  });
});

describe('importing an ssh_config', () => {
  it('leads through two bastions, keeps them apart from the nodes, and says what it leaves out', async () => {
    const source = { file, hosts: ['till-7'], keepBastions: false, user: { name: 'ops', home: dir } };
    const { nodes, remarks } = await importSshConfig(source);
    expect(nodes.map(({ name }) => name)).toEqual(['till-1', 'till-2', 'till-3', 'six', 'till-7']);
    const [first, second, third] = nodes;
    const hop = { name: 'edge-hop', address: 'hop.example.net', port: 2200, user: 'relay' };
    expect(first?.via).toMatchObject([hop, { name: 'inner-hop', address: '10.50.0.1', user: 'jump user' }]);
    expect(first).toMatchObject({ address: 'till-1.shops.example.net', user: 'cashier' });
    expect(first?.identity[0]).toBe('~/.ssh/cashier@till-1.shops.example.net key');
    expect(second?.port).toBe(5022);
    expect(third).toMatchObject({ port: 4022, via: [{ address: '10.9.0.1', user: 'ops', port: 2022 }] });
    const lines = remarks.map(({ level, line, message }) => `${level} ${line} ${message}`);
    expect(lines).toContain('note 5 edge-hop is a bastion of others, so it is no node (--keep-bastions keeps it)');
    expect(lines).toContain('left-out 47 serveraliveinterval: says nothing about how a node is reached');
    expect(remarks.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
