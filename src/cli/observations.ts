import { homedir } from 'node:os';
import type { Fleet } from '../fleet/types.js';
import type { ObservationStore } from '../journal/observations/store.js';
import type { Io } from './io.js';

/** Opens what was seen of the fleet's nodes for some work and closes it after, also when the work throws. */
export async function withObservations<R>(
  where: { fleet: Fleet; io: Io },
  work: (store: ObservationStore) => Promise<R>,
): Promise<R> {
  const [{ openObservations }, { observationsFile }] = await Promise.all([
    import('../journal/observations/open.js'),
    import('../journal/paths.js'),
  ]);
  const { fleet, io } = where;
  const store = await openObservations({ file: observationsFile(fleet.id, io.env, io.env['HOME'] ?? homedir()) });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
