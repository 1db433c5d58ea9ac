// Builds, runs every test project, and says what passed, failed and was skipped and why. Installs nothing.
// EDGECTL_REQUIRE_ALL=1 (set by .ci/run) makes any skipped test a failure.
// Arguments are passed on to vitest, e.g. `npm test -- --project unit`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const cache = join(root, '.cache');
const results = join(cache, 'test-results.json');
const skipLog = join(cache, 'skips.ndjson');
const node = (args, env = {}) =>
  spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).status ?? 1;

mkdirSync(cache, { recursive: true });
for (const file of [results, skipLog]) rmSync(file, { force: true });
if (node(['scripts/build.mjs']) !== 0) {
  console.log('\nThe build failed; no test was run.');
  process.exit(1);
}
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const args = [
  vitest,
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${results}`,
  ...process.argv.slice(2),
];
const status = node(args, { EDGECTL_SKIP_LOG: skipLog });
process.exit(report(status));

function report(status) {
  if (!existsSync(results)) {
    console.log('\nThe test runner left no results.');
    return 1;
  }
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(results, 'utf8'));
  const skipped = testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => ['pending', 'skipped', 'todo', 'disabled'].includes(test.status))
      .map((test) => ({ file: file.name, name: test.fullName })),
  );
  const brokenFiles = testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  );
  printSkips(skipped);
  for (const file of brokenFiles) console.log(`could not be run: ${file.name.slice(root.length)}`);
  const refused = process.env.EDGECTL_REQUIRE_ALL === '1' && skipped.length > 0;
  if (refused) console.log('EDGECTL_REQUIRE_ALL=1: a skipped test is a failure.');
  const verdict = `${numPassedTests} passed, ${numFailedTests + brokenFiles.length} failed, ${skipped.length} skipped`;
  writeFileSync(join(cache, 'verdict'), `${verdict}\n`);
  console.log(verdict);
  return status !== 0 || refused || numPassedTests === 0 ? 1 : 0;
}

function printSkips(skipped) {
  if (skipped.length === 0) return;
  const lines = existsSync(skipLog) ? readFileSync(skipLog, 'utf8').trim().split('\n') : [];
  const reasons = new Map();
  for (const { file, reason } of lines.map((line) => JSON.parse(line)))
    reasons.set(file, [...new Set([...(reasons.get(file) ?? []), reason])]);
  console.log('\nSkipped on this machine:');
  for (const { file, name } of skipped) {
    const why = reasons.get(file.split('/').pop())?.join('; ') ?? 'no reason given';
    console.log(`  ${name}  (${why})`);
  }
}
