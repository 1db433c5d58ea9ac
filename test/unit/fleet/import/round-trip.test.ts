import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExportFormat } from '../../../../src/fleet/export/export.js';
import { exportFormats, exportNodes } from '../../../../src/fleet/export/export.js';
import { assemble } from '../../../../src/fleet/import/assemble.js';
import { readSources } from '../../../../src/fleet/import/read-sources.js';
import { writeNodesFile } from '../../../../src/fleet/import/write.js';
import { loadFleet } from '../../../../src/fleet/load.js';
import type { FleetNode } from '../../../../src/fleet/types.js';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'round-'));
});
afterEach(async () => rm(dir, { recursive: true }));

async function load(nodesFile: string): Promise<readonly FleetNode[]> {
  await mkdir(path.join(dir, 'nodes'), { recursive: true });
  await writeFile(path.join(dir, 'fleet.yaml'), 'id: 01JD8Q2V9Y3K5M7N9P1R3T5V7X\nname: acme\n');
  await writeFile(path.join(dir, 'nodes/imported.yaml'), nodesFile);
  return (await loadFleet(dir, { env: { HOME: '/home/ops' } })).nodes;
}

/** Writes nodes in a format, imports that, and loads what the import wrote. */
async function around(nodes: readonly FleetNode[], format: ExportFormat): Promise<readonly FleetNode[]> {
  const text = exportNodes(nodes, format);
  if (format === 'nodes') return await load(text);
  const file = path.join(
    dir,
    `source${{ 'ansible-ini': '', 'ansible-yaml': '.yml', 'ssh-config': '', csv: '.csv' }[format]}`,
  );
  await writeFile(file, text);
  const kind = format.startsWith('ansible') ? 'ansible' : format === 'csv' ? 'csv' : 'ssh-config';
  const read = await readSources({
    sources: [file],
    format: kind,
    hosts: [],
    keepBastions: true,
    columns: {},
    user: { name: 'ops', home: '/home/ops' },
  });
  const assembled = assemble(read, { keepLabel: () => true });
  expect(assembled.remarks.filter(({ level }) => level === 'error')).toEqual([]);
  return await load(writeNodesFile(assembled, []));
}

const word = fc
  .stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z0-9]$/)
  .filter((text) => !/^(and|or|not|in|all|online|offline|drifted)$/.test(text));
const address = fc.oneof(
  fc.ipV4(),
  fc.constantFrom('2001:db8::7', 'fe80::1'),
  word.map((text) => `${text}.example.org`),
);
const text = fc.oneof(
  word,
  fc.string({ maxLength: 12, unit: 'grapheme' }),
  fc.constantFrom('007', '1.10', "it's", 'a "b" # c', '{{ x }}', 'null', '~', '\\', 'a\nb', ' x '),
);
const identity = fc
  .array(fc.constantFrom('/home/ops/.ssh/a', '/home/ops/.ssh/b c', '/srv/key%h'), { maxLength: 2 })
  .map((list) => [...new Set(list)]);
const port = fc.integer({ min: 1, max: 65_535 });
const labels = fc.dictionary(fc.oneof(word, fc.constantFrom('db_password', 'a/b', 'ansible_x', 'site', 'v.1')), text, {
  maxKeys: 4,
});
const bastion = fc.record({ name: word.map((name) => `hop-${name}`), address, port, user: word, identity });
const fleet = fc
  .record({
    bastions: fc.uniqueArray(bastion, { maxLength: 3, selector: ({ name }) => name }),
    regions: fc.dictionary(word, word, { minKeys: 1, maxKeys: 3 }),
    nodes: fc.uniqueArray(
      fc.record({
        id: word,
        address,
        port,
        user: word,
        identity,
        hops: fc.array(fc.nat(2), { maxLength: 2 }),
        transport: fc.constantFrom('ssh' as const, 'openssh' as const),
        site: fc.nat(3),
        groups: fc.uniqueArray(
          word.map((name) => `g-${name}`),
          { maxLength: 3 },
        ),
        labels,
        wariness: fc.constantFrom(0, 0.5, 1),
        state: fc.constantFrom('in-service' as const, 'drained' as const, 'retired' as const),
      }),
      { minLength: 1, maxLength: 5, selector: ({ id }) => id },
    ),
  })
  .map(({ bastions, regions, nodes }): FleetNode[] => {
    const sites = Object.entries(regions);
    // Two names for one way in become one: a hop is known by how it is reached.
    const ways = [
      ...new Map(
        bastions.map((one) => [JSON.stringify([one.address, one.port, one.user, one.identity]), one]),
      ).values(),
    ];
    return nodes.map(({ hops, site, ...node }) => ({
      ...node,
      via: hops.flatMap((index) => ways[index] ?? []),
      site: sites[site]?.[0] ?? 'default',
      region: sites[site]?.[1] ?? 'default',
    }));
  });

/** Groups are sets: a format may list them in another order. */
function comparable(nodes: readonly FleetNode[]): unknown {
  return nodes.map((node) => ({
    ...node,
    groups: [...node.groups].sort(),
    labels: Object.fromEntries(Object.entries(node.labels).sort()),
  }));
}

describe('exporting and importing again', () => {
  it.each(exportFormats)(
    'gives the same nodes as %s',
    async (format) => {
      await fc.assert(
        fc.asyncProperty(fleet, async (nodes) => {
          const once = await around(nodes, format);
          expect(comparable(once)).toEqual(comparable(nodes));
        }),
        { numRuns: 25 },
      );
    },
    60_000,
  );
});
