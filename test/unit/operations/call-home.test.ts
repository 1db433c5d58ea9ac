import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bastion, FleetNode } from '../../../src/fleet/types.js';
import { prepareScript } from '../../../src/node/prepare-script.js';
import { homeBastion, HomeKeys, homeKeysFile, homeOf } from '../../../src/operations/call-home.js';

const bastion: Bastion = { name: 'hop', address: '10.0.0.1', port: 2222, user: 'jump', identity: [] };
const node: FleetNode = {
  ...{ id: 'n1', address: '192.168.1.17', port: 2022, user: 'edgectl', identity: [], via: [], transport: 'ssh' },
  ...{ site: 'default', region: 'default', groups: [], labels: {}, wariness: 0, state: 'in-service' },
};
const key = `ssh-ed25519 ${'A'.repeat(68)}`;
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'edgectl-home-'));
});
afterEach(async () => rm(dir, { recursive: true }));

describe('where a node calls home', () => {
  it('is the bastion as the fleet says, and its usual login and directory', () => {
    expect(homeOf(node, { bastion, keys: ['a b'] })).toEqual({
      ...{ bastion: 'hop', address: '10.0.0.1', port: 2222, user: 'edgectl-home', sshd: 2022, keys: ['a b'] },
      socket: '/srv/edgectl-home/n1.sock',
    });
    const callHome = { address: 'hop.example.org', port: 443, user: 'tunnel', dir: '/srv/t' };
    expect(homeOf(node, { bastion: { ...bastion, callHome }, keys: [] })).toMatchObject({
      ...{ address: 'hop.example.org', port: 443, user: 'tunnel', socket: '/srv/t/n1.sock' },
    });
    const written = { ...node, callHome: '/run/x.sock', via: [bastion] };
    expect(homeOf(written, { bastion, keys: [] }).socket).toBe('/run/x.sock');
  });

  it('is refused where fleet.yaml looks for it elsewhere, and at a bastion that nobody knows', async () => {
    const lost = { ...node, callHome: '/run/x.sock', via: [{ ...bastion, name: 'other' }] };
    expect(() => homeOf(lost, { bastion, keys: [] })).toThrow(/looks for n1 on other/u);
    const fleet = { bastions: new Map([['hop', bastion]]), knownHostsFile: path.join(dir, 'known_hosts') };
    await expect(homeBastion(fleet, 'hop')).rejects.toMatchObject({ code: 'SSH_HOST_KEY_UNKNOWN' });
    await expect(homeBastion(fleet, 'nowhere')).rejects.toMatchObject({ code: 'NODE_NOT_FOUND' });
  });

  it('is nothing that a shell could read otherwise', async () => {
    const options = { mode: 'install', init: 'systemd', kit: 'x', node: 'n1', fleet: 'f', allowedSigners: '' } as const;
    const home = { bastion: 'hop', address: 'a', port: 1, user: 'u', socket: '/s', sshd: 22, pins: '' };
    expect(await prepareScript({ ...options, home })).toContain("ARG_home_socket='/s'");
    for (const wrong of [
      { address: 'a; reboot' },
      { user: '$(id)' },
      { socket: '/a b' },
      { bastion: '-oX' },
      { address: 'a\nb' },
    ])
      await expect(prepareScript({ ...options, home: { ...home, ...wrong } })).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('the keys that nodes made', () => {
  it('are kept one line a node, the newest, however many come at once', async () => {
    const keys = new HomeKeys({ dir });
    const say = (node: string, text: string) => keys.keep(node, 'hop', [{ t: 'call-home', key: text }]);
    await Promise.all([say('n1', key), say('n2', key), say('n3', key)]);
    await say('n2', key.replaceAll('A', 'B'));
    const lines = (await readFile(homeKeysFile({ dir }, 'hop'), 'utf8')).trim().split('\n');
    expect(lines.map((line) => line.split(' ').slice(-2))).toEqual([
      ['A'.repeat(68), 'n1'],
      ['A'.repeat(68), 'n3'],
      ['B'.repeat(68), 'n2'],
    ]);
    expect(
      lines.every((line) => line.startsWith('restrict,port-forwarding,permitopen="127.0.0.1:1",permitlisten=')),
    ).toBe(true);
  });

  it.each([
    `${key}\nssh-ed25519 AAAA`,
    'ssh-ed25519 short',
    'command="id" ssh-ed25519 AAAA',
    `ssh-rsa ${'A'.repeat(68)}`,
    '',
    7,
  ])('are nothing else than keys: %j', async (text) => {
    await new HomeKeys({ dir }).keep('n1', 'hop', [{ t: 'call-home', key: text }]);
    await expect(readFile(homeKeysFile({ dir }, 'hop'))).rejects.toThrow('ENOENT');
  });
});
