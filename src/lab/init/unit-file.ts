import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { UnitDefinition } from './unit.js';

/*
 * A unit file: `key=value` lines, drop-ins in `<unit>.d/*.conf` override by key, in the order of their names.
 *
 *   exec=<argv, words separated by spaces; $ROOT is the node's root>
 *   enabled=1                 started at boot
 *   restart=always|no         default no
 *   restart-delay=<ms>        default 100
 *   kill=process|group        what a stop ends; default group
 *   start-limit=<n>           starts within ten seconds before it is left failed; default 5
 *   start-timeout=<s>         for units with `ready`; default 30
 *   ready=<path below the root>   it is active once this file exists; without it, once it was started
 *   held=<absolute path>      it does not start while this file exists, …
 *   let=<absolute path>       … unless this one does, too
 *   onfailure=<argv>          run when it is left failed
 *   env.NAME=<value>
 */

/** Read a unit with its drop-ins. Rejects when there is no such unit. */
export async function readUnit(root: string, name: string): Promise<UnitDefinition> {
  const keys = new Map<string, string>();
  merge(keys, await readFile(join(root, 'etc', 'lab-init', 'units', `${name}.unit`), 'utf8'));
  for (const file of await dropIns(root, name)) merge(keys, await readFile(file, 'utf8').catch(() => ''));
  return definition(root, keys);
}

/** Names of the units that a boot starts. */
export async function enabledUnits(root: string): Promise<string[]> {
  const dir = join(root, 'etc', 'lab-init', 'units');
  const enabled: string[] = [];
  for (const file of (await list(dir)).filter((entry) => entry.endsWith('.unit')).sort()) {
    const text = await readFile(join(dir, file), 'utf8');
    if (/^enabled=1$/m.test(text)) enabled.push(file.slice(0, -'.unit'.length));
  }
  return enabled;
}

/** Drop-ins of both places, by name; of two with one name the volatile one counts, as in systemd.unit(5). */
async function dropIns(root: string, name: string): Promise<string[]> {
  const found = new Map<string, string>();
  for (const base of ['etc', 'run']) {
    const dir = join(root, base, 'lab-init', 'units', `${name}.d`);
    for (const file of await list(dir)) if (file.endsWith('.conf')) found.set(file, join(dir, file));
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

function definition(root: string, keys: Map<string, string>): UnitDefinition {
  const words = (key: string): string[] =>
    (keys.get(key) ?? '')
      .split(' ')
      .filter((word) => word !== '')
      .map((word) => word.replaceAll('$ROOT', root));
  const number = (key: string): number | undefined => {
    const value = keys.get(key);
    return value === undefined ? undefined : Number(value);
  };
  const startTimeoutS = number('start-timeout');
  const startLimit = number('start-limit');
  const restartDelayMs = number('restart-delay');
  const ready = keys.get('ready');
  const held = keys.get('held');
  const unlessThere = keys.get('let');
  const onFailure = words('onfailure');
  return {
    exec: words('exec'),
    restart: keys.get('restart') === 'always' ? 'always' : 'no',
    kill: keys.get('kill') === 'process' ? 'process' : 'group',
    env: Object.fromEntries(
      [...keys].filter(([key]) => key.startsWith('env.')).map(([key, value]) => [key.slice(4), value]),
    ),
    ...(startTimeoutS === undefined ? {} : { startTimeoutS }),
    ...(startLimit === undefined ? {} : { startLimit }),
    ...(restartDelayMs === undefined ? {} : { restartDelayMs }),
    ...(held === undefined ? {} : { held }),
    ...(unlessThere === undefined ? {} : { let: unlessThere }),
    ...(ready === undefined ? {} : { ready: join(root, ready) }),
    ...(onFailure.length === 0 ? {} : { onFailure }),
  };
}

function merge(keys: Map<string, string>, text: string): void {
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0 && !line.startsWith('#')) keys.set(line.slice(0, at), line.slice(at + 1));
  }
}

async function list(dir: string): Promise<string[]> {
  return readdir(dir).catch(() => []);
}
