import { askLab } from './control-client.js';
import type { BreakMode, LabNodeStatus } from './control-protocol.js';
import type { LabLayout } from './layout.js';
import { breakMachine, healMachine } from './machine-damage.js';
import { requireLabState } from './state.js';

/** Break a node of the lab; resolves when it is broken (after the reboot, for a power cut). */
export async function breakNode(layout: LabLayout, node: string, how: BreakMode): Promise<LabNodeStatus> {
  const state = await requireLabState(layout);
  if (state.kind === 'machines') return await breakMachine(layout, node, how);
  return (await askLab(state.daemon?.socket ?? layout.socket, { op: 'break', node, how })) as LabNodeStatus;
}

/** Undo everything that was done to a node of the lab. */
export async function healNode(layout: LabLayout, node: string): Promise<LabNodeStatus> {
  const state = await requireLabState(layout);
  if (state.kind === 'machines') return await healMachine(layout, node);
  return (await askLab(state.daemon?.socket ?? layout.socket, { op: 'heal', node })) as LabNodeStatus;
}

/** What `lab break` did, for a person. */
export const breakTexts: Readonly<Record<BreakMode, string>> = {
  offline: 'refuses connections, as if it were switched off',
  hang: 'accepts connections and never answers, like a stopped sshd',
  'bad-runtime': 'will crash any runtime other than the one that it runs now, some seconds after its start',
  'power-cut': 'lost its power in the middle of everything, and has booted again',
};
