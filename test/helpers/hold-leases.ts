import { loadFleet } from '../../src/fleet/load.js';
import { openNodes } from '../../src/node/open.js';
import type { LabFleet } from './lab-fleet.js';

/** Takes the lease of every node as another operator would, with a journal of its own; returns what gives them back. */
export async function holdLeases(
  lab: LabFleet,
  holder: { run: string; owner: string; host: string },
): Promise<() => Promise<void>> {
  const fleet = await loadFleet(lab.dir, { env: lab.env });
  const open = openNodes(fleet, { env: lab.env });
  const tokens = new Map<string, string>();
  for (const { id } of fleet.nodes) {
    const answer = await open.client.call(id, {
      verb: 'lease',
      fields: { op: 'take', ttl: '300', ...holder },
      timeoutMs: 20_000,
    });
    if (answer.kind !== 'ok') throw new Error(`${id}: ${JSON.stringify(answer)}`);
    tokens.set(id, String(answer.lines.find((line) => line.t === 'lease')?.['token']));
  }
  return async () => {
    for (const [id, token] of tokens) {
      await open.client.call(id, {
        verb: 'lease',
        fields: { op: 'release', run: holder.run, token },
        timeoutMs: 20_000,
      });
    }
    await open.close();
  };
}
