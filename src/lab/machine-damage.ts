import { EdgectlError } from '../errors/error.js';
import type { BreakMode, LabNodeStatus } from './control-protocol.js';
import { type LabLayout, machinesDir } from './layout.js';
import { isRuntimeSpoilt, mendRuntime, spoilRuntime } from './machines/bad-runtime.js';
import type { Machine } from './machines/machine.js';
import { openMachines } from './machines/machines.js';

const breaks: Readonly<Partial<Record<BreakMode, (machine: Machine) => Promise<void>>>> = {
  offline: (machine) => machine.powerOff(),
  hang: (machine) => machine.hangSshd(),
  'bad-runtime': spoilRuntime,
  'power-cut': async (machine) => {
    await machine.powerCut();
    await machine.boot();
  },
};

/** Break a machine; resolves when it is broken (after the reboot, for a power cut). */
export async function breakMachine(layout: LabLayout, id: string, how: BreakMode): Promise<LabNodeStatus> {
  const machine = await machineOf(layout, id);
  const breaking = breaks[how];
  if (breaking === undefined)
    throw new EdgectlError('LAB_UNSUPPORTED', {
      message: `A machine cannot be broken by ${how}; only nodes of an embedded lab can.`,
      hint: `one of ${Object.keys(breaks).join(', ')}, or edgectl lab up without --machines`,
    });
  // The build that is good has to run, to be told from others.
  if (how === 'bad-runtime') await machine.boot();
  await breaking(machine);
  return await statusOf(machine);
}

/** Switch a machine on again, let its sshd go on, and let any runtime live. */
export async function healMachine(layout: LabLayout, id: string): Promise<LabNodeStatus> {
  const machine = await machineOf(layout, id);
  await machine.boot();
  await machine.resumeSshd();
  await mendRuntime(machine);
  return await statusOf(machine);
}

/** How the machines are. */
export async function machineStatus(layout: LabLayout): Promise<LabNodeStatus[]> {
  const lab = await openMachines(machinesDir(layout));
  return await Promise.all(lab.nodes.map(statusOf));
}

/** End every machine and give back bridge, mounts and loop devices. */
export async function stopMachines(layout: LabLayout): Promise<void> {
  await (await openMachines(machinesDir(layout))).stop();
}

async function machineOf(layout: LabLayout, id: string): Promise<Machine> {
  return (await openMachines(machinesDir(layout))).node(id);
}

async function statusOf(machine: Machine): Promise<LabNodeStatus> {
  const { id, address, powerCuts } = machine;
  const booted = await machine.isUp();
  const broken: LabNodeStatus['broken'] = [];
  if (!booted) broken.push('offline');
  if (booted && (await machine.isSshdStopped())) broken.push('hang');
  if (await isRuntimeSpoilt(machine)) broken.push('bad-runtime');
  return { id, address, port: 22, booted, broken, powerCuts, connections: null };
}
