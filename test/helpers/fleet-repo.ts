import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';

/** A node as it is written in fleet.yaml. */
export interface WrittenNode {
  address: string;
  port?: number;
  user?: string;
  identity?: string[];
}

/** Write a minimal fleet repository with these nodes; answers its directory. */
export function writeFleet(nodes: Record<string, WrittenNode>): string {
  const dir = mkdtempSync(join(tmpdir(), 'edgectl-fleet-'));
  writeFileSync(join(dir, 'fleet.yaml'), stringify({ id: '01JQZ0000000000000000TEST0', name: 'test', nodes }));
  return dir;
}
