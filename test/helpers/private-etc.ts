import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A copy of /etc with more users, to be mounted over /etc in a namespace; the machine's own stays as it is. */
export function privateEtc(
  etc: string,
  users: Readonly<Record<string, { password?: string }>>,
  hosts: Readonly<Record<string, string>> = {},
): void {
  cpSync('/etc', etc, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.startsWith('/etc/alternatives'),
  });
  execFileSync('chown', ['-R', '--reference=/etc', etc]);
  const add = (file: string, line: string): void => writeFileSync(join(etc, file), `${line}\n`, { flag: 'a' });
  for (const [index, [user, { password }]] of Object.entries(users).entries()) {
    const id = 7001 + index;
    const hash =
      password === undefined
        ? '*'
        : execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: password, encoding: 'utf8' }).trim();
    add('passwd', `${user}:x:${id}:${id}::/tmp:/bin/sh`);
    add('group', `${user}:x:${id}:`);
    add('shadow', `${user}:${hash}:19000:0:99999:7:::`);
  }
  for (const [name, address] of Object.entries(hosts)) add('hosts', `${address} ${name}`);
  chmodSync(join(etc, 'shadow'), 0o600);
}
