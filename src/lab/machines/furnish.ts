import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { host } from './host-command.js';
import type { MachineRecord } from './types.js';

/** Puts into a machine's upper layer what makes it this machine: address, host key, and root's authorized key. The public host key. */
export async function furnish(node: MachineRecord, rootKey: string): Promise<string> {
  const upper = path.join(node.dir, 'upper');
  const [ssh, home, network] = [
    path.join(upper, 'etc/ssh'),
    path.join(upper, 'root/.ssh'),
    path.join(upper, 'etc/systemd/network'),
  ];
  for (const dir of [ssh, home, network]) await mkdir(dir, { recursive: true });
  await chmod(path.join(upper, 'root'), 0o700);
  await chmod(home, 0o700);
  await writeFile(path.join(home, 'authorized_keys'), rootKey, { mode: 0o600 });
  // systemd takes this name over the one that systemd-nspawn set.
  await writeFile(path.join(upper, 'etc/hostname'), `${node.id}\n`);
  // sudo looks its own host up at each call.
  await writeFile(path.join(upper, 'etc/hosts'), `127.0.0.1 localhost\n127.0.1.1 ${node.id}\n`);
  const key = path.join(ssh, 'ssh_host_ed25519_key');
  await host(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', node.id, '-f', key]);
  // The name sorts before systemd's own 80-container-host0.network.
  const lines = [
    '[Match]',
    'Name=host0',
    '[Network]',
    `Address=${node.address}/24`,
    'LinkLocalAddressing=no',
    'IPv6AcceptRA=no',
    '',
  ];
  await writeFile(path.join(network, '10-host0.network'), lines.join('\n'));
  const [type, base64] = (await readFile(`${key}.pub`, 'utf8')).split(' ');
  return `${type} ${base64}`;
}
