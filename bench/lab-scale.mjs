// What a rollout over N lab nodes (default 1,000) costs the operator: the built program drives N real SSH servers and the real kit on each.
// The lab's own processes are not counted. Build first: npm run build
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const limitMiB = 300;
const nodes = Number(process.argv[2] ?? 1000);
if (!Number.isInteger(nodes) || nodes < 1 || nodes > 2000) throw new Error('usage: node bench/lab-scale.mjs [1-2000]');

const home = await mkdtemp(join(tmpdir(), 'edgectl-bench-'));
const lab = join(home, 'lab');
const env = { PATH: process.env.PATH, HOME: home, EDGECTL_LAB_DIR: lab, EDGECTL_FLEET: join(lab, 'fleet') };

/** Runs the program with --json; what it answered, how long it took, processor time and peak memory of its process. */
async function edgectl(...argv) {
  const began = performance.now();
  const child = spawn(process.execPath, [program, ...argv, '--json'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (text.out += chunk));
  child.stderr.on('data', (chunk) => (text.err = (text.err + chunk).slice(-4000)));
  const seen = { peakMiB: 0, cpuS: 0 };
  // The kernel keeps the peak (proc(5), VmHWM), so that the last look before the end is enough.
  const looking = setInterval(() => void look(child.pid, seen), 100);
  const exitCode = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(looking);
  const seconds = (performance.now() - began) / 1000;
  const envelope = text.out.trim() === '' ? {} : JSON.parse(text.out);
  return { exitCode, seconds, ...seen, result: envelope.result, error: envelope.error, stderr: text.err };
}

async function look(pid, seen) {
  const read = (name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
  const [status, stat] = await Promise.all([read('status'), read('stat')]);
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (peak !== undefined) seen.peakMiB = Math.max(seen.peakMiB, Math.round(Number(peak) / 1024));
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  // Clock ticks of a hundredth of a second.
  if (system !== undefined) seen.cpuS = (user + system) / 100;
}

function must(what, outcome) {
  if (outcome.error === undefined && outcome.result !== undefined) return outcome;
  throw new Error(`${what} ended with ${outcome.exitCode}: ${JSON.stringify(outcome.error)}\n${outcome.stderr}`);
}

try {
  const up = must('lab up', await edgectl('lab', 'up', '--nodes', String(nodes)));
  console.log(`lab up: ${nodes} nodes in ${up.seconds.toFixed(1)} s`);
  const rollout = must(
    'rollout',
    await edgectl('rollout', 'runtime', '--canary', '5%', '--policy', 'rehearsal', '--yes'),
  );
  const counts = {};
  for (const { state } of rollout.result.nodes) counts[state] = (counts[state] ?? 0) + 1;
  const ends = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
  const each = (seconds) => `${((seconds * 1000) / nodes).toFixed(1)} ms a node`;
  console.log(
    `rollout: exit ${rollout.exitCode}, ${ends.join(', ')}, in ${rollout.seconds.toFixed(0)} s (${each(rollout.seconds)})`,
  );
  console.log(`operator: ${rollout.cpuS.toFixed(1)} s of processor time (${each(rollout.cpuS)})`);
  const verdict = rollout.peakMiB < limitMiB ? 'ok' : `over ${limitMiB} MiB`;
  console.log(`operator: peak RSS ${rollout.peakMiB} MiB  ${verdict}`);
  const good = rollout.exitCode === 0 && counts.succeeded === nodes && rollout.peakMiB < limitMiB;
  process.exitCode = good ? 0 : 1;
} finally {
  const down = await edgectl('lab', 'down');
  console.log(`lab down: exit ${down.exitCode} in ${down.seconds.toFixed(1)} s`);
  await rm(home, { recursive: true, force: true });
}
