import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importAnsible } from '../../../../src/fleet/import/ansible/import.js';
import type { Imported } from '../../../../src/fleet/import/model.js';
import { root } from '../../../helpers/cli.js';

const stores = path.join(root, 'test/fixtures/ansible-stores');
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'ansible-'));
});
afterAll(async () => rm(dir, { recursive: true }));

async function imported(file: string, text: string): Promise<Imported> {
  await writeFile(path.join(dir, file), text);
  return await importAnsible({ inventories: [path.join(dir, file)] });
}
const said = ({ remarks }: Imported): string[] =>
  remarks.map(({ level, line, message }) => `${level} ${line}: ${message}`);

interface Oracle {
  hostvars: Record<string, Record<string, unknown>>;
  groups: Record<string, string[]>;
}

describe('an Ansible inventory with everything in it', () => {
  // expected.json is what ansible-core 2.14 made of it, written by test/fixtures/ansible-stores/regenerate.
  it('has the hosts, groups and variables that the real ansible-inventory finds', async () => {
    const oracle = JSON.parse(await readFile(path.join(stores, 'expected.json'), 'utf8')) as Oracle;
    const { nodes, remarks } = await importAnsible({ inventories: [path.join(stores, 'inventory')] });
    expect(nodes.map(({ name }) => name).sort()).toEqual(
      Object.keys(oracle.hostvars)
        .filter((name) => name !== 'localhost')
        .sort(),
    );
    for (const node of nodes) {
      const vars = oracle.hostvars[node.name] ?? {};
      const own = Object.entries(vars).filter(
        ([key, value]) => !key.startsWith('ansible_') && typeof value !== 'object',
      );
      for (const [key, value] of own) {
        if (key === 'db_password' || key === 'computed') expect(node.labels).not.toHaveProperty(key);
        else if (String(value).includes('{{')) expect(node.labels[key]).toMatch(/^[a-z.]+$/);
        else expect(same(node.labels[key], value), `${node.name} ${key}`).toBe(true);
      }
      expect(Object.keys(node.labels).every((key) => Object.hasOwn(vars, key))).toBe(true);
      expect(node.user, node.name).toBe(vars['ansible_ssh_user'] ?? vars['ansible_user']);
      expect(node.port, node.name).toBe(vars['ansible_ssh_port'] ?? vars['ansible_port']);
      const groups = Object.entries(oracle.groups).flatMap(([group, hosts]) =>
        hosts.includes(node.name) ? [group] : [],
      );
      expect([...node.groups].sort()).toEqual(groups.sort());
    }
    expect(remarks.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('keeps vaults shut, secrets and lists out, and says each with its line', async () => {
    const result = await importAnsible({ inventories: [path.join(stores, 'inventory')] });
    const lines = result.remarks.map(({ file, line, message }) => `${path.relative(stores, file)}:${line}: ${message}`);
    expect(lines).toEqual([
      'inventory/group_vars/all/vault.yml:1: the whole file is encrypted by ansible-vault; nothing of it was read',
      'inventory/group_vars/all/main.yml:5: db_password: looks like a secret by its name',
      'inventory/group_vars/stores/a.yml:2: api_token: encrypted by ansible-vault',
      expect.stringMatching(
        /^inventory\/group_vars\/stores\/a\.yml:5: computed: a template that only Ansible can fill in/,
      ),
      'inventory/hosts:43: localhost is not reached by SSH (ansible_connection=local)',
      'inventory/more.yml:15: features: a list or a map; labels are single values',
    ]);
  });

  it('finds the way through bastions in every spelling of the arguments', async () => {
    const { nodes } = await importAnsible({ inventories: [path.join(stores, 'inventory')] });
    const via = (name: string): unknown => nodes.find((node) => node.name === name)?.via;
    expect(via('till-oslo-03')).toEqual([{ address: 'jump.example.net', port: 2200, user: 'relay', identity: [] }]);
    expect(via('till-osaka-1')).toEqual([
      { address: 'hop-a.example.net', port: 2022, identity: [] },
      { address: '10.9.9.9', user: 'ops', identity: [] },
    ]);
  });
});

/** Labels are text as it was written; YAML and Python make numbers and booleans of it. */
function same(label: string | undefined, value: unknown): boolean {
  if (label === undefined) return false;
  if (typeof value === 'boolean') return /^(yes|true|on)$/i.test(label) === value;
  if (typeof value === 'number') return Number(label) === value;
  return label === (value ?? '');
}

describe('what cannot be understood', () => {
  it.each([
    ['a b=1 c\n', 'error 1: expected NAME=VALUE after the host, found “c”'],
    ['[web\na\n', 'error 1: “[” is not closed in “[web”'],
    ['[web:kids]\nx\n', 'error 1: [web:kids]: after “:” only children or vars can stand'],
    ['[g:vars]\nnonsense\n', 'error 2: expected NAME=VALUE, found “nonsense”'],
    ['a"b\n', 'error 1: the quotation mark " is not closed'],
    ['w[5:2]\n', 'error 1: “[5:2]” runs backwards'],
    ['w[01:100]\n', 'error 1: both ends of “[01:100]” need the same number of digits'],
    ['a ansible_port=ssh\n', 'error 1: ansible_port of a: expected a port from 1 to 65535, found “ssh”'],
    [
      "a ansible_host=\"{{ lookup('env', 'X') }}\"\n",
      "error 1: ansible_host of a is a template that only Ansible can fill in: “lookup('env', 'X')” is more than a name with simple filters",
    ],
    [
      'a ansible_host="{{ nowhere }}"\n',
      'error 1: ansible_host of a is a template that only Ansible can fill in: “nowhere” is not defined here',
    ],
    [
      'a ansible_ssh_common_args="-F ssh.cfg"\n',
      'error 1: SSH arguments of a: -F ssh.cfg: import that file too, as --format ssh-config',
    ],
    ['a ansible_connection=winrm\n', 'left-out 1: a is not reached by SSH (ansible_connection=winrm)'],
  ])('is named with its line: %j', async (text, remark) => {
    expect(said(await imported('hosts', text))).toContain(remark);
  });

  it.each([
    [
      'hosts:\n  - build:\n    - rack: {a: {ip: 1.2.3.4}}\n',
      'error 1: hosts: expected a map with hosts, children, vars',
    ],
    ['all:\n  hosts:\n    - a\n', 'error 2: all.hosts: expected a map of hosts (a name, then “:”)'],
    ['all:\n  host:\n    a:\n', 'error 2: all: “host” is none of hosts, children, vars'],
    [
      'plugin: amazon.aws.aws_ec2\n',
      'error 1: this configures an inventory plugin; import what `ansible-inventory --list` prints instead',
    ],
    ['all:\n  hosts: [\n', expect.stringMatching(/^error \d: not valid YAML/)],
    ['- a\n', 'error 1: expected a map of groups'],
    [
      'all: {vars: {x: !vault "$ANSIBLE_VAULT;1.1;AES256 00"}, hosts: {a: }}\n',
      'left-out 1: x: encrypted by ansible-vault',
    ],
  ])('is named with its line in YAML: %j', async (text, remark) => {
    expect(said(await imported('hosts.yml', text))).toContainEqual(remark);
  });

  it.each([
    ['ssh -W %h:%p -q u@b', 'b'],
    ['ssh -o UserKnownHostsFile=/dev/null -vv u@b -p 22 -A nc -w 1 %h %p', 'b'],
    ['ssh -q u@b -o IdentityFile=~/.ssh/k -o Port=22 -W %h:%p', 'b'],
    ['ssh -i \\"~/.ssh/k\\" -W %h:%p -q u@b', 'b'],
    ['exec /usr/bin/ssh u@b nc %h %p 2> /dev/null', 'b'],
    ['aws ssm start-session --target %h', undefined],
    ['nc -X connect -x proxy:3128 %h %p', undefined],
  ])('a ProxyCommand is a jump or needs the ssh program: %s', async (command, hop) => {
    const quoted = command.replaceAll('\\"', '');
    const { nodes } = await imported('hosts', `a ansible_ssh_common_args='-o ProxyCommand="${quoted}"'\n`);
    expect(nodes[0]?.via[0]?.address).toBe(hop);
    expect(nodes[0]?.transport).toBe(hop === undefined ? 'openssh' : undefined);
  });
});
