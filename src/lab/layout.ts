import { createHash } from 'node:crypto';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where a lab keeps its things; all below one directory, so that `lab down` removes one directory. */
export interface LabLayout {
  dir: string;
  /** What kind of lab it is and which processes it started. */
  stateFile: string;
  /** Node ids, ports and host keys; private. */
  nodesFile: string;
  /** Unix socket of the daemon. */
  socket: string;
  logFile: string;
  /** The fleet repository to point `--fleet` at. */
  fleetDir: string;
  /** Private key that logs in to every node. */
  clientKey: string;
  nodeRoot(id: string): string;
}

/** A unix socket's path has 108 bytes, 104 on some systems (unix(7)). */
const maxSocketPath = 100;

/** The layout below a directory. */
export function labLayout(dir: string): LabLayout {
  const root = resolve(dir);
  const inside = join(root, 'control.sock');
  const short = join(tmpdir(), `edgectl-lab-${createHash('sha256').update(root).digest('hex').slice(0, 16)}.sock`);
  return {
    dir: root,
    stateFile: join(root, 'lab.json'),
    nodesFile: join(root, 'nodes.json'),
    socket: Buffer.byteLength(inside) > maxSocketPath ? short : inside,
    logFile: join(root, 'daemon.log'),
    fleetDir: join(root, 'fleet'),
    clientKey: join(root, 'keys', 'lab_ed25519'),
    nodeRoot: (id) => join(root, 'nodes', id),
  };
}

/** Where the machines of a lab of real ones are: overlays, images, consoles and their own state file. */
export function machinesDir(layout: LabLayout): string {
  return join(layout.dir, 'machines');
}

type Env = Readonly<Record<string, string | undefined>>;

/** The directory of the lab when none is named: `$XDG_STATE_HOME/edgectl/lab`. */
export function defaultLabDir(env: Env): string {
  return join(stateHome(env), 'edgectl', 'lab');
}

/** Where the journal of a fleet is: `$XDG_STATE_HOME/edgectl/<fleet id>`. */
export function fleetStateDir(env: Env, fleetId: string): string {
  return join(stateHome(env), 'edgectl', fleetId);
}

function stateHome(env: Env): string {
  const state = env['XDG_STATE_HOME'];
  return state?.startsWith('/') ? state : join(env['HOME'] ?? homedir(), '.local', 'state');
}

/** Where a node of the sandbox keeps what it opened: memory, named after its root (templates/node/init-sandbox.sh). */
export function memoryDir(nodeRoot: string): string {
  return join('/dev/shm', `edgectl-lab-${createHash('sha256').update(nodeRoot).digest('hex').slice(0, 24)}`);
}

/** Options of the `--dir` flag of every lab command. */
export const labDirOption = {
  helpValue: 'DIR',
  env: 'EDGECTL_LAB_DIR',
  summary: 'Where the lab keeps its nodes; $XDG_STATE_HOME/edgectl/lab when absent.',
};
