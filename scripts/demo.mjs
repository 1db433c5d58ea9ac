// The rehearsal: a lab fleet on this computer, a canary rollout with one node switched off and one whose new runtime
// crashes, and the catch-up. Ends with 0 only when everything went as it should.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));
const edgectl = join(root, 'bin', 'run.js');
const nodeCount = 14;
const limitMs = 300_000;

const home = mkdtempSync(join(tmpdir(), 'edgectl-demo-'));
const lab = join(home, 'state', 'edgectl', 'lab');
const inherited = Object.entries(process.env).filter(
  ([name]) => !name.startsWith('EDGECTL_') && !name.startsWith('XDG_'),
);
const env = {
  ...Object.fromEntries(inherited),
  XDG_STATE_HOME: join(home, 'state'),
  XDG_DATA_HOME: join(home, 'data'),
  XDG_CONFIG_HOME: join(home, 'config'),
  XDG_CACHE_HOME: join(home, 'cache'),
  EDGECTL_LAB_DIR: lab,
  EDGECTL_FLEET: join(lab, 'fleet'),
};
const running = new Set();
let ending = false;
const started = Date.now();
let deadline;

const say = (text = '') => process.stdout.write(`${text}\n`);
const heading = (text) => say(`\n── ${text} ${'─'.repeat(Math.max(0, 74 - text.length))}`);

/** Runs a program; with `show` its output goes to the terminal, otherwise it is captured. Answers status and output. */
function run(program, args, { show = false } = {}) {
  return new Promise((resolve, reject) => {
    if (ending && args[1] !== 'lab') return;
    const child = spawn(program, args, {
      env,
      cwd: root,
      stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    });
    running.add(child);
    let out = '';
    let err = '';
    child.stdout?.on('data', (chunk) => (out += chunk));
    child.stderr?.on('data', (chunk) => (err += chunk));
    child.once('error', reject);
    child.once('close', (status) => {
      running.delete(child);
      resolve({ status, out, err });
    });
  });
}

/** Shows a command as a person would type it, and its screen. */
async function screen(args) {
  say(`\n$ edgectl ${args.join(' ')}`);
  return (await run(process.execPath, [edgectl, ...args], { show: true })).status;
}

/** The result of a command, from its JSON envelope. */
async function ask(args) {
  const { out, err, status } = await run(process.execPath, [edgectl, ...args, '--json']);
  try {
    return JSON.parse(out);
  } catch {
    throw new Error(`edgectl ${args.join(' ')} --json answered no envelope (status ${status}): ${err.slice(0, 500)}`);
  }
}

const failures = [];
function check(what, expected, found) {
  const good = JSON.stringify(expected) === JSON.stringify(found);
  if (!good) failures.push(`${what}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`);
  say(`  ${good ? '✓' : '✖'} ${what}`);
}

/** "pid start-time" of every node's workload: the same before and after means that it was never restarted. */
function workloads() {
  const nodes = readdirSync(join(lab, 'nodes')).sort();
  return Object.fromEntries(
    nodes.map((node) => {
      const run = join(lab, 'nodes', node, 'run', 'lab-runtime');
      const file = readdirSync(run).find((name) => name.endsWith('.pid') && name !== 'daemon.pid');
      const [pid, start] = readFileSync(join(run, file), 'utf8').trim().split(' ');
      const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
      const alive = stat.slice(stat.lastIndexOf(') ') + 2).split(' ')[19] === start;
      return [node, alive ? `${pid} ${start}` : 'gone'];
    }),
  );
}

/** The version whose daemon runs on a node. */
function versionOn(node) {
  return readFileSync(join(lab, 'nodes', node, 'run', 'lab-runtime', 'version'), 'utf8').trim();
}

/** Nodes by their state in a run. */
async function statesOf(runId) {
  const { result } = await ask(['run', 'status', runId]);
  const byState = {};
  for (const { state, nodes } of result.groups) byState[state] = [...(byState[state] ?? []), ...nodes].sort();
  return byState;
}

async function rehearse() {
  heading('A fleet to rehearse on');
  if ((await screen(['lab', 'up', '--nodes', String(nodeCount)])) !== 0) throw new Error('the lab did not come up');
  const { result: up } = await ask(['lab', 'status']);
  const ids = up.nodes.map((node) => node.id);
  const offline = ids.filter((id) => id.startsWith('pos-')).at(-1);
  const spoiled = ids.find((id) => id.startsWith('gw-'));

  heading('Two things go wrong before anyone touches it');
  await screen(['lab', 'break', offline, '--how', 'offline']);
  await screen(['lab', 'break', spoiled, '--how', 'bad-runtime']);
  const before = workloads();

  heading('The rollout');
  const rolloutStatus = await screen(['rollout', 'runtime', '--canary', '5%', '--policy', 'rehearsal', '--yes']);
  const { result: list } = await ask(['run', 'list']);
  const runId = list.runs[0]?.id;

  heading('Was it as it should be?');
  const after = await statesOf(runId);
  check('exit code 1: one node reverted, and the policy allows none unasked', 1, rolloutStatus);
  check(`${spoiled} went back by itself`, [spoiled], after.rolled_back);
  check(`${offline} is deferred`, [offline], after.offline);
  check(`the other ${nodeCount - 2} nodes are done`, nodeCount - 2, after.succeeded?.length);
  check('no workload was restarted, on any node', before, workloads());
  check(`${spoiled} runs what it ran before`, '1.0.0', versionOn(spoiled));

  heading(`${offline} comes back`);
  await screen(['lab', 'heal', offline]);
  const resumeStatus = await screen(['resume', runId, '--yes']);
  heading('Has it caught up?');
  const end = await statesOf(runId);
  check('exit code 1 still: one node is back on what it ran before', 1, resumeStatus);
  check(`${offline} has caught up under the same plan`, true, end.succeeded?.includes(offline) ?? false);
  check(`${offline} runs the new version`, '1.1.0', versionOn(offline));
  check(`${spoiled} was not tried again unasked`, [spoiled], end.rolled_back);
  check('still no workload was restarted', before, workloads());
}

async function cleanUp() {
  clearTimeout(deadline);
  for (const child of running) child.kill('SIGTERM');
  if (existsSync(join(lab, 'lab.json'))) await run(process.execPath, [edgectl, 'lab', 'down']);
  rmSync(home, { recursive: true, force: true });
}

async function giveUp(why) {
  ending = true;
  say(`\n✖ ${why}`);
  await cleanUp();
  process.exit(1);
}

process.once('SIGINT', () => void giveUp('interrupted'));
process.once('SIGTERM', () => void giveUp('ended'));

const built = await run(process.execPath, [join(root, 'scripts', 'build.mjs'), '--quiet']);
if (built.status !== 0) {
  await giveUp(`the build failed\n${built.out}${built.err}`);
}
deadline = setTimeout(() => void giveUp(`not done after ${limitMs / 1000} s`), limitMs);
try {
  await rehearse();
} catch (error) {
  failures.push(error instanceof Error ? error.message : String(error));
}
heading('The end');
await cleanUp();
const seconds = Math.round((Date.now() - started) / 1000);
if (failures.length > 0) {
  for (const failure of failures) say(`✖ ${failure}`);
  say(`The rehearsal did not go as it should (${seconds} s).`);
} else {
  say(`The rehearsal went as it should, in ${seconds} s. The lab is gone again.`);
  say('Your own fleet:  edgectl init my-fleet');
}
process.exit(failures.length > 0 ? 1 : 0);
