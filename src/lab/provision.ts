import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabLayout } from './layout.js';
import type { RosterNode } from './roster.js';
export async function makeNodeRoots(options: {
  layout: LabLayout;
  fleetId: string;
  nodes: readonly RosterNode[];
}): Promise<void> {
  void cp;
  void mkdir;
  void rm;
  void writeFile;
  void join;
  void options;
}
