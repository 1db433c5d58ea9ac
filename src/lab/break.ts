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
  slow: 'has a poor link: half a second more each way, 64 KiB/s',
  flaky: 'loses the connection with every third answer; what was asked for is done',
  'full-disk': 'says that no space is left on its disk',
  'read-only': 'cannot write below /var/lib/edgectl',
  'bad-runtime': 'will crash any runtime other than the one that it runs now, some seconds after its start',
  'power-cut': 'lost its power in the middle of everything, and has booted again',
  'host-key-change': 'has another host key, as after a reinstallation or with somebody in between',
  'clock-skew': 'has a clock that is two years ahead',
  flood: 'prints without end, whatever it is asked',
  liar: 'says that it is another node',
};
