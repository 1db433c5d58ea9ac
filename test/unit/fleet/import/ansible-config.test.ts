import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAnsibleConfig } from '../../../../src/fleet/import/ansible/config.js';
import { readSources } from '../../../../src/fleet/import/read-sources.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'ansible-cfg-'));
});
afterAll(async () => rm(dir, { recursive: true }));

async function read(text: string) {
  const file = path.join(dir, 'ansible.cfg');
  await writeFile(file, text);
  const config = await readAnsibleConfig(file, '/home/ada');
  const vars = Object.fromEntries(
    [...config.vars].map(([name, { value, origin }]) => [
      name,
      [value.kind === 'scalar' ? value.text : '', origin.line],
    ]),
  );
  return { ...config, vars };
}

describe('an ansible.cfg', () => {
  it('is read as ConfigParser reads it: comments, continued lines, both signs, no interpolation', async () => {
    const { vars, inventories } = await read(
      [
        '\uFEFF# head',
        '[defaults]',
        'inventory: hosts , ~/all/inventory,/etc/ansible/hosts  ; three',
        'Remote_User = deploy',
        'remote_port=2222',
        '  ',
        'private_key_file = keys/id',
        '[ssh_connection]',
        'ssh_args = -o ProxyJump=a',
        '   -o Port=%(x)s',
        '# not part of it',
        'ssh_common_args =',
        '[other]',
        'remote_user = nobody',
      ].join('\r\n'),
    );
    expect(inventories).toEqual([path.join(dir, 'hosts'), '/home/ada/all/inventory', '/etc/ansible/hosts']);
    expect(vars).toEqual({
      ansible_user: ['deploy', 4],
      ansible_port: ['2222', 5],
      ansible_private_key_file: [path.join(dir, 'keys/id'), 7],
      ansible_ssh_args: ['-o ProxyJump=a -o Port=%(x)s', 9],
    });
  });

  it('says that host keys are checked all the same', async () => {
    const { remarks } = await read('[defaults]\nhost_key_checking = False\n');
    expect(remarks).toMatchObject([{ level: 'left-out', line: 2 }]);
  });

  it('is weaker than every variable of the inventory, and its project is found by its directory', async () => {
    await writeFile(
      path.join(dir, 'ansible.cfg'),
      '[defaults]\ninventory=hosts\nremote_user=weak\nprivate_key_file=k\n',
    );
    await writeFile(path.join(dir, 'hosts'), 'a ansible_user=strong\nb\n[g]\nc\n[g:vars]\nansible_ssh_user=group\n');
    const how = { hosts: [], keepBastions: false, columns: {}, user: { name: 'ada', home: '/home/ada' } };
    for (const source of [dir, path.join(dir, 'ansible.cfg')]) {
      const [imported] = await readSources({ sources: [source], ...how });
      expect(imported?.nodes.map(({ name, user }) => [name, user])).toEqual([
        ['a', 'strong'],
        ['b', 'weak'],
        ['c', 'group'],
      ]);
      expect(imported?.nodes[0]?.identity).toEqual([path.join(dir, 'k')]);
    }
  });

  it.each([
    ['[defaults]\nremote_user = x\n', /names no inventory/u],
    ['[defaults]\ninventory = nowhere\n', /which is not there/u],
  ])('that leads to no inventory is told: %j', async (text, message) => {
    await writeFile(path.join(dir, 'ansible.cfg'), text);
    const how = { hosts: [], keepBastions: false, columns: {}, user: { name: 'ada', home: '/home/ada' } };
    await expect(readSources({ sources: [path.join(dir, 'ansible.cfg')], ...how })).rejects.toThrow(message);
  });
});
