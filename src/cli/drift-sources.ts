import type { Fleet } from '../fleet/types.js';
import type { NodeVerdict } from '../node/exit-code.js';
import type { AssessSources } from '../operations/drift/assess-fleet.js';
import type { Clock } from '../util/clock.js';
import type { Io } from './io.js';
import { withJournal } from './journal.js';
import { withObservations } from './observations.js';

/** What a drift command works with. */
export interface DriftAround {
  fleet: Fleet;
  io: Io;
  clock: Clock;
  signal: AbortSignal;
  say: (text: string) => Promise<void>;
}

/**
 * Opens what is known of a fleet, looks first at those of the nodes that were asked too long ago, and closes everything after.
 * `verdicts` has one of each node that was looked at.
 */
export async function withDriftSources<R>(
  around: DriftAround,
  how: { nodes: readonly string[]; maxAgeMs: number },
  work: (sources: AssessSources, verdicts: readonly NodeVerdict[]) => Promise<R>,
): Promise<R> {
  const { fleet, io, clock } = around;
  const { pendingWork } = await import('../operations/drift/pending-work.js');
  const pending = await withJournal({ fleet, io, clock, lookOnly: true }, pendingWork);
  return await withObservations({ fleet, io }, async (store) => {
    const { staleNodes } = await import('../operations/drift/stale.js');
    const stale = await staleNodes({ fleet, source: store, now: clock.now() }, how);
    const verdicts = stale.length === 0 ? [] : await lookAt(around, store, stale);
    return await work({ fleet, source: store, pending, now: clock.now() }, verdicts);
  });
}

type Store = Parameters<Parameters<typeof withObservations>[1]>[0];

async function lookAt(
  { fleet, io, clock, signal, say }: DriftAround,
  store: Store,
  nodes: readonly string[],
): Promise<NodeVerdict[]> {
  const [{ openNodes }, { firstLook }, { sweepNodes }, { verdictOnSweep }, { askedOf }] = await Promise.all([
    import('../node/open.js'),
    import('../node/first-contact.js'),
    import('../operations/sweep.js'),
    import('../operations/sweep-text.js'),
    import('../operations/drift/asked.js'),
  ]);
  if (nodes.length > 16 && io.stderrIsTTY) await say(`Looking at ${nodes.length} nodes …`);
  const timeoutMs = 30_000;
  const { client, close } = openNodes(fleet, { env: io.env });
  const look = firstLook(client, { timeoutMs, signal });
  const how = { store, clock, signal, timeoutMs, firstLook: look, asked: askedOf(fleet) };
  const results = await sweepNodes(client, nodes, how).finally(close);
  return results.map(verdictOnSweep);
}
