import { askLab } from './control-client.js';
import type { LabDaemonStatus, LabNodeStatus } from './control-protocol.js';
import { isRunning } from './daemon-process.js';
import type { LabLayout } from './layout.js';
import { machineStatus } from './machine-damage.js';
import { requireLabState } from './state.js';

/** How a lab is. */
export interface LabStatus {
  kind: 'embedded' | 'machines';
  dir: string;
  fleetDir: string;
  createdAt: string;
  running: boolean;
  /** Null when the daemon does not run. */
  daemon: { pid: number; rssBytes: number; upSeconds: number } | null;
  nodes: LabNodeStatus[];
}

/** Ask a lab how it is; rejects with LAB_NOT_FOUND when there is none. */
export async function labStatus(layout: LabLayout): Promise<LabStatus> {
  const state = await requireLabState(layout);
  const { kind, createdAt } = state;
  const known = { kind, dir: layout.dir, fleetDir: state.fleet.dir, createdAt };
  if (kind === 'machines') return { ...known, running: true, daemon: null, nodes: await machineStatus(layout) };
  if (!state.daemon || !(await isRunning(state.daemon))) return { ...known, running: false, daemon: null, nodes: [] };
  const { pid, rss, up, nodes } = (await askLab(state.daemon.socket, { op: 'status' })) as LabDaemonStatus;
  return { ...known, running: true, daemon: { pid, rssBytes: rss, upSeconds: up }, nodes };
}

/** One word for a node: what is wrong with it, or that it is up. */
export function nodeWord(node: LabNodeStatus): string {
  if (node.broken.length > 0) return node.broken.join(', ');
  return node.booted ? 'up' : 'boots at first contact';
}

/** What kind of lab it is and what serves it, for a person. */
export function aboutLab({ kind, nodes, dir, daemon }: LabStatus): string[] {
  if (kind === 'machines') return [`${nodes.length} systemd machines on this computer, in ${dir}.`];
  const lines = [`Sandbox: ${nodes.length} nodes are directories below ${dir}, not machines.`];
  if (daemon)
    lines.push(`Process ${daemon.pid}, up ${daemon.upSeconds} s, ${Math.round(daemon.rssBytes / 1048576)} MiB.`);
  return lines;
}
