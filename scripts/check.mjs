// What CI runs: format, lint, types, architecture rules, unused code, shell, build, generated files, tests.
// `npm run check -- --no-tests` leaves the tests out; `--only lint,types` runs single parts.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const bin = (name) => join(root, 'node_modules', name);
const generated = [
  'oclif.manifest.json',
  'docs/reference/attributes.md',
  'docs/reference/commands.md',
  'docs/reference/errors.md',
  'docs/reference/exit-codes.md',
  'docs/reference/schemas/events.schema.json',
  'docs/reference/schemas/envelope.schema.json',
  'docs/concepts/run-states.md',
];

const parts = {
  format: () => node(bin('prettier/bin/prettier.cjs'), '--check', '.'),
  lint: () => node(bin('eslint/bin/eslint.js'), '.'),
  types: () => node(bin('typescript/bin/tsc'), '--noEmit', '-p', 'tsconfig.test.json'),
  architecture: () =>
    node(bin('dependency-cruiser/bin/dependency-cruise.mjs'), '--config', '.dependency-cruiser.cjs', 'src'),
  unused: () => node(bin('knip/bin/knip.js')),
  build: () => node(join(root, 'scripts/build.mjs')),
  shell: async () => await shellcheck(),
  docs: () => node(join(root, 'scripts/docs.mjs')),
  fresh: () => unchanged(),
  tests: () => node(join(root, 'scripts/test.mjs')),
};

const only = option('--only')?.split(',');
const chosen = Object.keys(parts).filter((name) =>
  only ? only.includes(name) : name !== 'tests' || !process.argv.includes('--no-tests'),
);
const failed = [];
for (const name of chosen) {
  const began = performance.now();
  const ok = await parts[name]();
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  if (!ok) failed.push(name);
}
console.log(failed.length === 0 ? 'check: green' : `check: failed in ${failed.join(', ')}`);
process.exit(failed.length === 0 ? 0 : 1);

function node(...args) {
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status === 0;
}

function option(name) {
  const at = process.argv.indexOf(name);
  return at === -1 ? undefined : process.argv[at + 1];
}

/** The kit as it is installed, in each of its builds, and every other shell script; missing shellcheck is a failure, not a pass. */
async function shellcheck() {
  const dir = mkdtempSync(join(tmpdir(), 'edgectl-check-'));
  try {
    const { buildKit } = await import(new URL('../dist/node/kit-build.js', import.meta.url));
    const kits = [];
    for (const init of ['systemd', 'sandbox']) {
      for (const lab of [true, false]) {
        const file = join(dir, `edgectl-node-${init}${lab ? '-lab' : ''}`);
        writeFileSync(file, await buildKit({ init, lab, version: '0', builtAt: 0 }));
        kits.push(file);
      }
    }
    // Parts of the kit mean nothing alone: their variables are each other's. The tunnel's script is whole.
    const files = ['templates', '.ci', 'scripts']
      .flatMap((folder) => shellFiles(join(root, folder)))
      .filter((file) => !file.startsWith(join(root, 'templates/node/')) || file.endsWith('/call-home.sh'));
    const run = spawnSync('shellcheck', ['--', ...kits, ...files], { cwd: root, stdio: 'inherit' });
    if (run.error) console.error('shellcheck is not installed: apt-get install shellcheck');
    return run.status === 0;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function shellFiles(dir) {
  const entries = safeList(dir);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => path.endsWith('.sh') || /^#!\/bin\/(?:ba)?sh/.test(readFileSync(path, 'utf8').slice(0, 20)));
}

function safeList(dir) {
  try {
    return readdirSync(dir, { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
}

/** Generated files that are committed must be what the generators write now. */
function unchanged() {
  const diff = spawnSync('git', ['status', '--porcelain', '--', ...generated], { cwd: root, encoding: 'utf8' });
  if (diff.status !== 0) return false;
  if (diff.stdout.trim() !== '')
    console.error(`generated files are stale; commit what the build wrote:\n${diff.stdout}`);
  return diff.stdout.trim() === '';
}
