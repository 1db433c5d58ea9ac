import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ulid } from 'ulid';
import { EdgectlError } from '../errors/error.js';
import type { BreakMode, LabNodeStatus } from './control-protocol.js';
import { fleetYaml, knownHosts } from './fleet-files.js';
import { fleetStateDir, type LabLayout } from './layout.js';
import type { Machine } from './machines/machine.js';
import { type MachinesLab, openMachines, startMachines } from './machines/machines.js';
import { machinesLack } from './machines/requirements.js';
import { writeLabState } from './state.js';
import { installLabKey } from './supply.js';
import { requireVacant } from './vacant.js';

/** What a lab of real machines is made from. */
export interface MachineFleetOptions {
  layout: LabLayout;
  nodes: number;
  env: Readonly<Record<string, string | undefined>>;
  now: () => Date;
  onStep: (text: string) => void;
  signal: AbortSignal;
}

/** Size of each machine's own state image, which makes power cuts lose what was not synced. */
const stateImageMiB = 512;

/** Start real systemd machines and write a fleet repository for them. They are bare: no kit, the distribution's own runtimes. Needs root. */
export async function machineFleetUp(
  options: MachineFleetOptions,
): Promise<{ fleetDir: string; fleetId: string; nodes: string[] }> {
  const { layout, env, now } = options;
  const lines = await machinesLack(env, process.getuid?.() ?? -1);
  if (lines.length > 0) {
    throw new EdgectlError('LAB_UNSUPPORTED', {
      message: 'Real machines need what this computer lacks.',
      lines,
      hint: 'leave out --machines',
    });
  }
  await requireVacant(layout);
  const fleetId = ulid(now().getTime());
  const cache = env['XDG_CACHE_HOME']?.startsWith('/')
    ? env['XDG_CACHE_HOME']
    : join(env['HOME'] ?? homedir(), '.cache');
  await mkdir(layout.fleetDir, { recursive: true, mode: 0o700 });
  const lab = await startMachines({
    dir: machinesDir(layout),
    count: options.nodes,
    cacheDir: join(cache, 'edgectl', 'lab'),
    stateImageMiB,
    signal: options.signal,
    log: options.onStep,
  });
  try {
    await writeMachineFleet(lab, fleetId, options);
  } catch (error) {
    await lab.stop();
    throw error;
  }
  return { fleetDir: layout.fleetDir, fleetId, nodes: lab.nodes.map((node) => node.id) };
}

async function writeMachineFleet(lab: MachinesLab, fleetId: string, options: MachineFleetOptions): Promise<void> {
  const { layout, env, now } = options;
  const nodes = lab.record.nodes.map(({ id, address }) => ({
    id,
    address,
    port: 22,
    site: 'here',
    region: 'lab',
    labels: {},
    via: [],
    transport: 'ssh',
    groups: [],
    wariness: 0,
  }));
  const about = 'Every node is a systemd machine of its own on this computer.';
  await writeFile(join(layout.fleetDir, '.edgectl-lab'), 'This fleet is a lab, made by edgectl lab up --machines.\n');
  await writeFile(
    join(layout.fleetDir, 'fleet.yaml'),
    fleetYaml({ id: fleetId, name: 'lab', user: 'root', identity: lab.identityFile, nodes, about }),
  );
  const pins = lab.record.nodes.map(({ id, hostKey }) => ({ id, hostPublicKey: hostKey }));
  await writeFile(join(layout.fleetDir, 'known_hosts'), knownHosts(pins));
  await writeFile(join(layout.fleetDir, 'runtimes.yaml'), '# Pack a runtime first: edgectl runtime pack\n[]\n');
  const keys = await installLabKey({ layout, fleetId, env });
  await writeLabState(layout, {
    schema: 1,
    kind: 'machines',
    createdAt: now().toISOString(),
    fleet: { id: fleetId, dir: layout.fleetDir },
    nodes: nodes.length,
    leftElsewhere: [...keys, fleetStateDir(env, fleetId)],
  });
}

/** End every machine and give back bridge, mounts and loop devices. */
export async function stopMachines(layout: LabLayout): Promise<void> {
  await (await openMachines(machinesDir(layout))).stop();
}

/** Break a machine; throws LAB_UNSUPPORTED for what only the sandbox can do. */
export async function breakMachine(layout: LabLayout, id: string, how: BreakMode): Promise<LabNodeStatus> {
  const machine = await machineOf(layout, id);
  if (how === 'offline') await machine.powerOff();
  else if (how === 'hang') await machine.hangSshd();
  else if (how === 'power-cut') {
    await machine.powerCut();
    await machine.boot();
  } else {
    throw new EdgectlError('LAB_UNSUPPORTED', {
      message: 'A real machine crashes a runtime only by itself.',
      hint: 'pack a runtime that crashes, or use the embedded lab',
    });
  }
  return await statusOf(machine);
}

/** Switch a machine on again and let its sshd go on. */
export async function healMachine(layout: LabLayout, id: string): Promise<LabNodeStatus> {
  const machine = await machineOf(layout, id);
  if (!(await machine.isUp())) await machine.boot();
  else await machine.resumeSshd();
  return await statusOf(machine);
}

/** How the machines are. */
export async function machineStatus(layout: LabLayout): Promise<LabNodeStatus[]> {
  const lab = await openMachines(machinesDir(layout));
  return await Promise.all(lab.nodes.map(statusOf));
}

function machinesDir(layout: LabLayout): string {
  return join(layout.dir, 'machines');
}

async function machineOf(layout: LabLayout, id: string): Promise<Machine> {
  return (await openMachines(machinesDir(layout))).node(id);
}

async function statusOf(machine: Machine): Promise<LabNodeStatus> {
  const booted = await machine.isUp();
  const { id, address } = machine;
  return { id, address, port: 22, booted, broken: booted ? [] : ['offline'], powerCuts: 0, connections: 0 };
}
