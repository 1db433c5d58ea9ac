import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Something that is wrong with a node's own root directory, and how it is put right. Doing either twice is doing it once. */
interface Damage {
  do(root: string): Promise<void>;
  undo(root: string): Promise<void>;
}

/** Programs in here come first on a node's PATH; the lab's build of the kit takes its PATH from `kitPathFile`. */
const shadow = 'usr/local/sbin';
const kitPathFile = 'etc/edgectl/lab/path';
const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** How far the clock of a node with `clock-skew` is ahead, in seconds: past the expiry of any slice. */
const skewSeconds = 2 * 365 * 86_400;

const noSpace = `#!/bin/sh
# edgectl lab break --how full-disk
echo 'Filesystem 1024-blocks Used Available Capacity Mounted on'
echo 'lab 1000000 1000000 0 100% /'
`;

const ahead = `#!/bin/sh
# edgectl lab break --how clock-skew
now=$(($(/bin/date +%s) + ${skewSeconds}))
case \${1-} in
-u) shift; exec /bin/date -u -d "@$now" "$@" ;;
+%s) echo "$now" ;;
*) exec /bin/date -d "@$now" "$@" ;;
esac
`;

const program = (name: string, text: string): Damage => ({
  async do(root) {
    await writeFile(join(root, shadow, name), text, { mode: 0o755 });
    await mkdir(join(root, dirname(kitPathFile)), { recursive: true });
    await writeFile(join(root, kitPathFile), `${join(root, shadow)}:${systemPath}\n`);
  },
  // The PATH may stay: with nothing in front of the system's programs it is the usual one.
  undo: async (root) => await rm(join(root, shadow, name), { force: true }),
});

/**
 * Nothing can be made in a file, nor written to a directory, not even by root: the kit meets what a read-only file system
 * answers. (The errors are ENOTDIR and EISDIR instead of EROFS; no part of the kit looks at them.)
 */
const readOnly: Damage = {
  async do(root) {
    const state = join(root, 'var/lib/edgectl');
    await mkdir(join(state, '.write'), { recursive: true });
    const staging = join(state, 'staging');
    // A file cannot be listed: it is there already.
    const listed = await readdir(staging).catch(() => undefined);
    if (listed !== undefined) await rename(staging, join(state, 'staging.before'));
    await writeFile(staging, '');
  },
  async undo(root) {
    const state = join(root, 'var/lib/edgectl');
    await rm(join(state, '.write'), { recursive: true, force: true });
    const staging = join(state, 'staging');
    if ((await readFile(staging).catch(() => undefined)) !== undefined) await rm(staging);
    await rename(join(state, 'staging.before'), staging).catch(ignoreMissing);
  },
};

const identity: Damage = {
  async do(root) {
    const file = join(root, 'etc/edgectl/node.conf');
    const text = await readFile(file, 'utf8');
    if (!/^node=.*-liar$/mu.test(text)) await writeFile(file, text.replace(/^node=.*$/mu, '$&-liar'));
  },
  async undo(root) {
    const file = join(root, 'etc/edgectl/node.conf');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace(/^(node=.*)-liar$/mu, '$1'));
  },
};

/** Damage that lies on the disk of a node. */
export const diskDamages = {
  'full-disk': program('df', noSpace),
  'read-only': readOnly,
  'clock-skew': program('date', ahead),
  liar: identity,
} as const satisfies Record<string, Damage>;

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
