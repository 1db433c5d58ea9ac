// One command, and the facts, of N real sshd nodes on this machine: our client against pssh and ansible, each as shipped
// and tuned (curve25519, aes128-gcm, no ControlMaster). Prints ratios; ends with 1 when a promise is broken:
//   client CPU a node for one command: at most 1/4 of pssh as shipped, 1/2 of pssh tuned
//   facts: at least 5 × faster than `ansible -m setup` with 50 forks
// Run it after a build:  EDGECTL_BENCH_NODES=200 EDGECTL_BENCH_ROUNDS=3 node bench/fan-out.mjs
// The servers share the cores with the clients, so walls are bounded by sshd; CPU is that of the client and its children.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const count = Number(process.env.EDGECTL_BENCH_NODES ?? 200);
const rounds = Number(process.env.EDGECTL_BENCH_ROUNDS ?? 3);
const basePort = Number(process.env.EDGECTL_BENCH_PORT ?? 22_000);
const withAnsible = process.env.EDGECTL_BENCH_ANSIBLE !== '0';
const edgectl = [process.execPath, fileURLToPath(new URL('../bin/run.js', import.meta.url))];
const dir = mkdtempSync(join(tmpdir(), 'edgectl-bench-'));
const { username } = userInfo();
const ports = Array.from({ length: count }, (_, index) => basePort + index);
const name = (index) => `n${String(index + 1).padStart(4, '0')}`;
const servers = [];

function key(file) {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(dir, file)]);
  return readFileSync(join(dir, `${file}.pub`), 'utf8').trim();
}

function isUp(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true) ?? socket.destroy()).on('error', () =>
      resolve(false),
    );
  });
}

async function startServers() {
  const hostKey = key('host');
  writeFileSync(join(dir, 'authorized'), `${key('user')}\n`);
  if (process.getuid() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd');
  const options = [
    'UsePAM=no',
    'StrictModes=no',
    'PidFile=none',
    `AuthorizedKeysFile=${join(dir, 'authorized')}`,
    'MaxStartups=100',
    'LoginGraceTime=600',
    // bash reads ~/.bashrc for a command over SSH only at the first shell level; what stands there is not what is measured.
    'SetEnv=SHLVL=1',
  ];
  for (const port of ports) {
    const args = [
      '-D',
      '-f',
      '/dev/null',
      '-h',
      join(dir, 'host'),
      '-p',
      String(port),
      '-o',
      'ListenAddress=127.0.0.1',
    ];
    servers.push(
      spawn('/usr/sbin/sshd', [...args, ...options.flatMap((option) => ['-o', option])], { stdio: 'ignore' }),
    );
  }
  for (const port of ports) {
    for (let attempt = 0; !(await isUp(port)); attempt += 1) {
      if (attempt > 400) throw new Error(`sshd on port ${port} did not start`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  const [type, blob] = hostKey.split(' ');
  writeFileSync(
    join(dir, 'known_hosts'),
    ports.map((port, index) => `${name(index)},[127.0.0.1]:${port} ${type} ${blob}\n`).join(''),
  );
}

function writeInventories() {
  const nodes = ports.map((port, index) => `  ${name(index)}: { address: 127.0.0.1, port: ${port} }\n`).join('');
  const defaults = `defaults: { user: ${username}, identity: ${join(dir, 'user')} }\n`;
  writeFileSync(join(dir, 'fleet.yaml'), `id: 01JQZ0000000000000000BENCH\nname: bench\n${defaults}nodes:\n${nodes}`);
  writeFileSync(join(dir, 'pssh.hosts'), ports.map((port) => `127.0.0.1:${port}\n`).join(''));
  const hosts = ports.map((port, index) => `${name(index)} ansible_host=127.0.0.1 ansible_port=${port}\n`).join('');
  writeFileSync(join(dir, 'inventory'), hosts);
  writeFileSync(join(dir, 'ansible.cfg'), '');
  chmodSync(join(dir, 'user'), 0o600);
}

const ssh = [
  `IdentityFile=${join(dir, 'user')}`,
  'IdentitiesOnly=yes',
  `UserKnownHostsFile=${join(dir, 'known_hosts')}`,
  'StrictHostKeyChecking=yes',
];
const tuned = [
  'KexAlgorithms=curve25519-sha256',
  'Ciphers=aes128-gcm@openssh.com',
  'ControlMaster=no',
  'ControlPath=none',
];
const pssh = (options) => [
  'parallel-ssh', '-h', join(dir, 'pssh.hosts'), '-l', username, '-p', '100', '-t', '600',
  ...[...ssh, ...options].flatMap((option) => ['-O', option]), 'true',
]; // prettier-ignore
const ansible = ['ansible', 'all', '-i', join(dir, 'inventory'), '-u', username, '-f', '50', '-m', 'setup'];
const ansibleEnv = (sshArgs, pipelining) => ({
  ANSIBLE_CONFIG: join(dir, 'ansible.cfg'),
  ANSIBLE_LOCAL_TEMP: join(dir, 'ansible'),
  ANSIBLE_REMOTE_TMP: join(dir, 'ansible-remote'),
  ANSIBLE_SSH_CONTROL_PATH_DIR: join(dir, 'cp'),
  ANSIBLE_PYTHON_INTERPRETER: '/usr/bin/python3',
  ANSIBLE_PIPELINING: pipelining ? '1' : '0',
  ANSIBLE_SSH_COMMON_ARGS: ssh.map((option) => `-o ${option}`).join(' '),
  ...(sshArgs === undefined ? {} : { ANSIBLE_SSH_ARGS: sshArgs.map((option) => `-o ${option}`).join(' ') }),
});

const contenders = {
  'command: edgectl': {
    argv: [
      ...edgectl,
      'node',
      'exec',
      '--all',
      '--yes',
      '--timeout',
      '600',
      '-o',
      'ndjson',
      '--fleet',
      dir,
      '--',
      'true',
    ],
  },
  'command: pssh as shipped': { argv: pssh([]) },
  'command: pssh tuned': { argv: pssh(tuned) },
  'facts: edgectl': {
    argv: [...edgectl, 'node', 'facts', '--timeout', '600', '-o', 'ndjson', '--fleet', dir],
    answers: /"os":/gu,
  },
  ...(withAnsible
    ? {
        'facts: ansible as shipped': { argv: ansible, env: ansibleEnv(undefined, false), answers: /SUCCESS =>/gu },
        'facts: ansible tuned': { argv: ansible, env: ansibleEnv(tuned, true), answers: /SUCCESS =>/gu },
      }
    : {}),
};

// What went wrong, among a thousand lines of what did not.
const failuresIn = (out) => out.split('\n').filter((line) => !/"verdict":"ok"|"os":/u.test(line)).join('\n'); // prettier-ignore

// bash's `time` counts the program and every child that it waited for.
function measure({ argv, env, answers }) {
  return new Promise((resolve, reject) => {
    const script = 'TIMEFORMAT="%U %S %R"; time "$@" 2>>"$EDGECTL_BENCH_LOG"';
    const child = spawn('bash', ['-c', script, 'bash', ...argv], {
      env: { ...process.env, SSH_AUTH_SOCK: '', EDGECTL_BENCH_LOG: join(dir, 'log'), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (err += chunk));
    child.on('close', (status) => {
      const heard = answers === undefined ? count : (out.match(answers) ?? []).length;
      if (status !== 0 || heard !== count) {
        const log = readFileSync(join(dir, 'log'), 'utf8');
        reject(
          new Error(
            `${argv.slice(0, 4).join(' ')} ended with ${status}, ${heard} of ${count} answers\n${(log + failuresIn(out)).slice(-1500)}`,
          ),
        );
        return;
      }
      const [user, system, wall] = err.trim().split('\n').at(-1).split(' ').map(Number);
      resolve({ cpu: user + system, wall });
    });
  });
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function run() {
  await startServers();
  writeInventories();
  const seen = new Map(Object.keys(contenders).map((title) => [title, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [title, contender] of Object.entries(contenders)) seen.get(title).push(await measure(contender));
  }
  console.log(`${count} sshd nodes on this machine, median of ${rounds}`);
  const result = new Map();
  for (const [title, runs] of seen) {
    const cpu = median(runs.map((each) => each.cpu));
    const wall = median(runs.map((each) => each.wall));
    result.set(title, { cpu, wall });
    console.log(
      `${title.padEnd(28)} ${((cpu / count) * 1000).toFixed(1).padStart(7)} ms client CPU a node  ${wall.toFixed(2).padStart(7)} s`,
    );
  }
  let broken = false;
  const promise = (text, ratio, limit) => {
    const kept = ratio <= limit;
    broken ||= !kept;
    console.log(`${kept ? 'kept  ' : 'BROKEN'}  ${text}: ${ratio.toFixed(3)} (at most ${limit})`);
  };
  const of = (title) => result.get(title);
  promise(
    'client CPU, edgectl / pssh as shipped',
    of('command: edgectl').cpu / of('command: pssh as shipped').cpu,
    1 / 4,
  );
  promise('client CPU, edgectl / pssh tuned', of('command: edgectl').cpu / of('command: pssh tuned').cpu, 1 / 2);
  if (withAnsible) {
    promise(
      'facts wall, edgectl / ansible as shipped',
      of('facts: edgectl').wall / of('facts: ansible as shipped').wall,
      1 / 5,
    );
    promise('facts wall, edgectl / ansible tuned', of('facts: edgectl').wall / of('facts: ansible tuned').wall, 1 / 5);
  }
  return broken ? 1 : 0;
}

function cleanUp() {
  for (const server of servers) server.kill();
  rmSync(dir, { recursive: true, force: true });
}

// A signal that ends the bench must not leave a hundred servers behind.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => (cleanUp(), process.exit(1)));
try {
  process.exitCode = await run();
} finally {
  cleanUp();
}
