#!/usr/bin/env node
// Compiles what changed, then runs the command from the sources as they are now.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const build = spawnSync(process.execPath, [fileURLToPath(new URL('scripts/build.mjs', root)), '--quiet'], {
  stdio: ['ignore', 2, 2],
});
if (build.status !== 0) process.stderr.write('edgectl: the build has errors; running what was compiled\n');
await import('./run.js');
