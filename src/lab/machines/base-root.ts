import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { BaseRecipe } from './base-recipe.js';
import { baseName, baseRecipe } from './base-recipe.js';
import { debianMirror } from './debian-mirror.js';
import { host } from './host-command.js';
import type { MachineSuite } from './types.js';

/** What {@link ensureBaseRoot} needs to know. */
export interface BaseRootOptions {
  cacheDir: string;
  suite: MachineSuite;
  signal?: AbortSignal;
  log?: (line: string) => void;
}

/** The directory of a suite's base root; built with mmdebstrap on first use (half a minute), cached for every later lab. */
export async function ensureBaseRoot(options: BaseRootOptions): Promise<string> {
  const recipe = baseRecipe(options.suite);
  const finished = path.join(options.cacheDir, baseName(recipe));
  if (existsSync(finished)) return finished;
  options.log?.(`building the Debian ${options.suite} base root (once)`);
  await mkdir(options.cacheDir, { recursive: true });
  const building = `${finished}.building-${process.pid}`;
  try {
    await bootstrap(recipe, building, options.signal);
    await customise(recipe, building);
    await publish(building, finished);
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return finished;
}

async function bootstrap(recipe: BaseRecipe, target: string, signal: AbortSignal | undefined): Promise<void> {
  await host(
    [
      'mmdebstrap',
      '--quiet',
      '--variant=minbase',
      `--include=${recipe.packages.join(',')}`,
      recipe.suite,
      target,
      await debianMirror(),
    ],
    { timeoutMs: 900_000, ...(signal === undefined ? {} : { signal }) },
  );
}

async function customise(recipe: BaseRecipe, root: string): Promise<void> {
  // Each machine gets a host key of its own.
  const ssh = path.join(root, 'etc/ssh');
  for (const name of await readdir(ssh)) if (name.startsWith('ssh_host_')) await rm(path.join(ssh, name));
  for (const unit of recipe.masked) await replaceLink(path.join(root, 'etc/systemd/system', unit), '/dev/null');
  for (const [name, content] of Object.entries(recipe.files)) await writeFile(path.join(root, name), content);
  for (const [name, target] of Object.entries(recipe.links)) await replaceLink(path.join(root, name), target);
}

async function replaceLink(file: string, target: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await rm(file, { force: true });
  await symlink(target, file);
}

/** Two labs may build the same root at once: the first rename wins, the second one's work is thrown away. */
async function publish(building: string, finished: string): Promise<void> {
  try {
    await rename(building, finished);
  } catch (error) {
    if (!existsSync(finished)) throw error;
  }
}
