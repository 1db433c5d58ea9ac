// Loads and validates fleets of 1,000 and 10,000 nodes, written in three ways; needs `npm run build` first.
// Prints the median in milliseconds of processor time, and how much longer the yaml package alone would take for the same text.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseDocument } from 'yaml';
import { loadFleet } from '../dist/fleet/load.js';
import { selectNodes } from '../dist/fleet/select-nodes.js';
import { resolveStages } from '../dist/plan/stages.js';

const rounds = 5;
const limitMs = 1000;

function head(sites) {
  const lines = Array.from({ length: sites }, (_, index) => `  s${index}: { region: r${index % 4} }`);
  const regions = ['r0', 'r1', 'r2', 'r3'].map((name) => `  ${name}:`);
  return ['id: 01JD8Q2V9Y3K5M7N9P1R3T5V7X', 'name: bench', 'regions:', ...regions, 'sites:', ...lines, 'nodes:'].join(
    '\n',
  );
}

const styles = {
  'one line a node': (id, ip, site) => `  ${id}: { address: ${ip}, site: ${site}, labels: { role: pos, ring: late } }`,
  'a block a node': (id, ip, site) =>
    `  ${id}:\n    address: ${ip}\n    site: ${site}\n    labels:\n      role: pos\n      ring: late`,
  // An escape in each line is what the quick reader leaves to the yaml package.
  'with escapes': (id, ip, site) =>
    `  ${id}: { address: "${ip.replace('1', '\\x31')}", site: ${site}, labels: { role: pos } }`,
};

function fleetText(count, style) {
  const nodes = Array.from({ length: count }, (_, index) => {
    const id = `pos-${String(index).padStart(5, '0')}`;
    return style(id, `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, `s${index % 200}`);
  });
  return `${head(200)}\n${nodes.join('\n')}\n`;
}

/** Milliseconds of processor time: on a busy machine the clock on the wall measures the neighbours. */
async function measure(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

async function median(work) {
  const times = [];
  for (let round = 0; round < rounds; round++) times.push(await measure(work));
  return times.sort((a, b) => a - b)[rounds >> 1];
}

const dir = await mkdtemp(path.join(tmpdir(), 'edgectl-bench-'));
try {
  for (const count of [1000, 10_000]) {
    for (const [name, style] of Object.entries(styles)) {
      const text = fleetText(count, style);
      await writeFile(path.join(dir, 'fleet.yaml'), text);
      let fleet;
      const cold = await measure(async () => (fleet = await loadFleet(dir, { env: {} })));
      if (fleet.nodes.length !== count) throw new Error('nodes were lost');
      const warm = await median(() => loadFleet(dir, { env: {} }));
      const peer = await median(() => parseDocument(text, { uniqueKeys: false }).toJS());
      const verdict = Math.max(cold, warm) < limitMs ? 'ok' : `over ${limitMs} ms`;
      console.log(
        `${String(count).padStart(6)} nodes, ${name.padEnd(16)} load+validate ${warm.toFixed(0).padStart(5)} ms (first ${cold.toFixed(0)} ms)` +
          `  yaml alone ${(peer / warm).toFixed(1)}x  ${verdict}`,
      );
      if (count === 10_000 && name === 'one line a node') {
        const select = await median(() =>
          selectNodes(fleet, 'region in (r0, r1) and role=pos and not pos-[00001-00999]'),
        );
        const nodes = fleet.nodes.map((node, index) => ({
          ...node,
          arch: index % 9 ? 'amd64' : 'arm64',
          os: `d${index % 3}`,
        }));
        const stages = await median(() =>
          resolveStages({ nodes, seed: 'bench', policy: fleet.policies.get('default') }),
        );
        console.log(
          `${String(count).padStart(6)} nodes, select ${select.toFixed(1)} ms, stages with 5 % canaries ${stages.toFixed(1)} ms`,
        );
      }
    }
  }
} finally {
  await rm(dir, { recursive: true });
}
