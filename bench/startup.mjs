// How much longer than a bare `node -e 0` do `--version` and `rollout --help` take? Medians of interleaved runs.
// The promise is 130 ms. Ends with 1 when it is broken.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const rounds = Number(process.argv[2] ?? 21);
const limitMs = 130;
const contenders = {
  'node -e 0': ['-e', '0'],
  'edgectl --version': [bin, '--version'],
  'edgectl rollout --help': [bin, 'rollout', '--help'],
  'edgectl config show': [bin, 'config', 'show'],
};

const times = new Map(Object.keys(contenders).map((name) => [name, []]));
for (let round = 0; round < rounds + 1; round += 1) {
  for (const [name, args] of Object.entries(contenders)) {
    const began = performance.now();
    const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
    if (status !== 0) throw new Error(`${name} ended with ${status}`);
    // The first round warms the file cache.
    if (round > 0) times.get(name).push(performance.now() - began);
  }
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const bare = median(times.get('node -e 0'));
let broken = false;
for (const [name, values] of times) {
  const over = median(values) - bare;
  const promised = name === 'edgectl --version' || name === 'edgectl rollout --help';
  broken ||= promised && over > limitMs;
  console.log(
    `${name.padEnd(24)} ${median(values).toFixed(0).padStart(5)} ms  ${(median(values) / bare).toFixed(2)} × bare  ${over.toFixed(0).padStart(4)} ms over${promised ? ` (limit ${limitMs})` : ''}`,
  );
}
process.exit(broken ? 1 : 0);
