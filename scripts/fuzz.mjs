// Feeds a million mutated structures to everything that reads what a node's TPM says,
// and turns every bit of every certificate in the fixtures.
// EDGECTL_FUZZ_INPUTS (1000000) and EDGECTL_FUZZ_SEED set how many and which.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const seed = process.env.EDGECTL_FUZZ_SEED ?? String(Date.now() % 1_000_000_000);
const inputs = process.env.EDGECTL_FUZZ_INPUTS ?? '1000000';
console.log(`${inputs} inputs, seed ${seed}`);
const args = [`${root}node_modules/vitest/vitest.mjs`, 'run', 'test/unit/seal/fuzz.test.ts', 'ek-chain'];
const env = { ...process.env, EDGECTL_FUZZ_INPUTS: inputs, EDGECTL_FUZZ_SEED: seed };
process.exit(spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env }).status ?? 1);
