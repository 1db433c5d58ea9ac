// Compiles src to dist, removes what no longer has a source, and writes oclif.manifest.json.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const quiet = process.argv.includes('--quiet');
const say = (text) => quiet || process.stdout.write(`${text}\n`);

function removeOrphans() {
  const dist = join(root, 'dist');
  if (!existsSync(dist)) return;
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === '.tsbuildinfo') continue;
    const path = join(entry.parentPath, entry.name);
    const source = relative(dist, path).replace(/\.js(\.map)?$/, '.ts');
    if (!existsSync(join(root, 'src', source))) rmSync(path);
  }
}

removeOrphans();
const tsc = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(root, 'tsconfig.json'),
    '--incremental',
    '--tsBuildInfoFile',
    join(root, 'dist/.tsbuildinfo'),
  ],
  { stdio: ['ignore', quiet ? 2 : 1, 2], cwd: root },
);
const manifest = spawnSync(process.execPath, [join(root, 'scripts/manifest.mjs')], {
  stdio: ['ignore', quiet ? 'ignore' : 1, 2],
  cwd: root,
});
say(tsc.status === 0 && manifest.status === 0 ? 'built' : 'built with errors');
process.exitCode = tsc.status === 0 && manifest.status === 0 ? 0 : 1;
