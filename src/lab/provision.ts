import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgectlError } from '../errors/error.js';
import { buildKit } from '../node/kit-build.js';
import { prepareScript } from '../node/prepare-script.js';
import { parseAnswer } from '../node/wire.js';
import { run } from '../process/run.js';
import { oneLine } from '../util/escape.js';
import { mapLimit } from '../util/map-limit.js';
import type { LabLayout } from './layout.js';
import type { RosterNode } from './roster.js';
import { distributionVersion, writeRuntime } from './supply.js';

/** What the nodes of a lab are made from. */
export interface ProvisionOptions {
  layout: LabLayout;
  fleetId: string;
  nodes: readonly RosterNode[];
  /** Public host keys by node: what a machine has in /etc/ssh. */
  hostKeys: ReadonlyMap<string, string>;
  /** Version that the kit says of itself. */
  version: string;
  now: () => Date;
}

/** Copies that are made at the same time. */
const copyConcurrency = 8;

const runtimeUnit = `# The unit that a distribution would bring with its runtime.
exec=$ROOT/usr/bin/lab-runtime serve
enabled=1
restart=always
restart-delay=500
kill=process
`;
const osRelease = `ID=edgectl-lab
NAME="edgectl lab"
VERSION_ID=1
PRETTY_NAME="edgectl lab (a sandbox, not a machine)"
`;

/** Make the root of every node: one is prepared, the others are copies of it with a name of their own. */
export async function makeNodeRoots(options: ProvisionOptions): Promise<void> {
  const { layout, nodes, fleetId, hostKeys } = options;
  const model = join(layout.dir, 'model');
  await makeModel(model, options);
  await mapLimit(nodes, copyConcurrency, async ({ id }) => {
    const root = layout.nodeRoot(id);
    await cp(model, root, { recursive: true, verbatimSymlinks: true });
    await writeFile(join(root, 'etc', 'edgectl', 'node.conf'), `node=${id}\nfleet=${fleetId}\n`);
    await writeFile(join(root, 'etc', 'hostname'), `${id}\n`);
    await writeFile(join(root, 'etc', 'ssh', 'ssh_host_ed25519_key.pub'), `${hostKeys.get(id) ?? ''}\n`);
  });
  await rm(model, { recursive: true, force: true });
}

async function makeModel(root: string, { layout, fleetId, version, now }: ProvisionOptions): Promise<void> {
  for (const dir of ['etc/ssh', 'etc/lab-init/units', 'etc/lab-runtime/workloads', 'var/lib', 'tmp']) {
    await mkdir(join(root, dir), { recursive: true });
  }
  await writeFile(join(root, 'etc', 'os-release'), osRelease);
  await writeRuntime(join(root, 'usr', 'bin'), { version: distributionVersion, crashAfter: '', lab: fleetId });
  await writeFile(join(root, 'etc', 'lab-runtime', 'workloads', 'till'), '');
  await writeFile(join(root, 'etc', 'lab-init', 'units', 'lab-runtime.service.unit'), runtimeUnit);
  const builtAt = Math.floor(now().getTime() / 1000);
  const kit = await buildKit({ init: 'sandbox', lab: true, version, builtAt });
  const allowedSigners = await readFile(join(layout.fleetDir, 'trust', 'allowed_signers'), 'utf8');
  const names = { node: 'model', fleet: fleetId };
  await prepare(await prepareScript({ mode: 'install', init: 'sandbox', kit, allowedSigners, prefix: root, ...names }));
}

/** Run the script of `node prepare` here; it answers as it does on a machine. */
async function prepare(script: string): Promise<void> {
  const result = await run(['sh', '-s'], { input: script, timeoutMs: 60_000 });
  const answer = parseAnswer(result.stdoutBytes);
  if (answer.valid && answer.ok) return;
  const why = answer.valid ? answer.reason : `${answer.why}; ${oneLine(result.stderr)}`;
  throw new EdgectlError('LAB_UNSUPPORTED', { message: `A lab node cannot be prepared on this computer: ${why}` });
}
