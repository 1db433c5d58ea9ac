// Cuts the power of real machines at random moments of a transaction and says how many came back whole.
// EDGECTL_SOAK_CUTS (200) and EDGECTL_SOAK_SEED set how often and which moments.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const seed = process.env.EDGECTL_SOAK_SEED ?? String(Date.now() % 1_000_000_000);
const cuts = process.env.EDGECTL_SOAK_CUTS ?? '200';
console.log(`${cuts} random power cuts, seed ${seed}`);
const vitest = `${root}node_modules/vitest/vitest.mjs`;
const args = [
  vitest,
  'run',
  '--project',
  'machines',
  '--testTimeout=3600000',
  '-t',
  'random cut',
  'test/machines/power.test.ts',
];
const env = { ...process.env, EDGECTL_SOAK_CUTS: cuts, EDGECTL_SOAK_SEED: seed };
process.exit(spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env }).status ?? 1);
