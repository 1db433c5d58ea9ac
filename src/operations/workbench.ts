import { bundlesDir } from '../bundle/places.js';
import type { WritableBundleStore } from '../bundle/store.js';
import { openBundleStore } from '../bundle/store.js';
import { environmentOf } from '../fleet/proxy.js';
import { proxiesOf } from '../registry/dispatcher.js';
import type { Fleet } from '../fleet/types.js';
import type { Journal } from '../journal/journal.js';
import { journalFile } from '../journal/paths.js';
import type { NodeClient } from '../node/client.js';
import { openNodes } from '../node/open.js';
import type { SudoPassword } from '../node/sudo.js';
import type { Transport } from '../transport/types.js';
import type { FetchBundle } from './bundles.js';
import { verifyBundle } from './bundles.js';
import type { Surroundings } from './surroundings.js';

/** A fleet with everything at hand that works on it; close it when the command ends. */
export interface Workbench {
  fleet: Fleet;
  around: Surroundings;
  client: NodeClient;
  /** For clients that reach the nodes in another way than the fleet says. */
  transport: Transport;
  /** The operator's password for sudo, when one was given. */
  sudo?: SudoPassword;
  store: WritableBundleStore;
  fetch: FetchBundle;
  /** Opened at first use. Throws JOURNAL_CORRUPT, JOURNAL_DISK_FULL. */
  journal(options?: { lookOnly?: boolean }): Promise<Journal>;
  close(): Promise<void>;
}

/** Opens the workbench of a fleet. Contacts nothing and opens no file yet. */
export function openWorkbench(fleet: Fleet, around: Surroundings, sudo?: SudoPassword): Workbench {
  const store = openBundleStore(bundlesDir(around.env, around.homedir));
  const nodes = openNodes(fleet, { env: { HOME: around.homedir, ...around.env }, bundles: store, sudo });
  let journal: Promise<Journal> | undefined;
  return {
    fleet,
    around,
    client: nodes.client,
    transport: nodes.transport,
    ...(sudo === undefined ? {} : { sudo }),
    store,
    fetch: async ({ source, digest, proxy, signal }) => {
      const env = environmentOf({ HOME: around.homedir, ...around.env }, proxy);
      const verify = async (text: string, signature: string) => await verifyBundle(text, signature, fleet, around);
      if (/^oci(\+http)?:/.test(source)) {
        const { fetchOciBundle } = await import('../bundle/oci-fetch.js');
        return await fetchOciBundle({
          source,
          digest,
          store,
          signal,
          verify,
          env,
        });
      }
      const { fetchBundle } = await import('../bundle/fetch.js');
      const { setTimeout: pause } = await import('node:timers/promises');
      const wait = async (ms: number) => await pause(ms, undefined, { signal });
      return await fetchBundle({ base: source, digest, store, signal, verify, proxy: proxiesOf(env), pause: wait });
    },
    journal: (options = {}) => (journal ??= openIt(fleet, around, options.lookOnly === true)),
    close: async () => {
      await nodes.close();
      await (await journal?.catch(() => undefined))?.close();
    },
  };
}

async function openIt(fleet: Fleet, around: Surroundings, lookOnly: boolean): Promise<Journal> {
  const { openJournal } = await import('../journal/journal.js');
  return await openJournal({ file: journalFile(fleet.id, around.env, around.homedir), now: around.now, lookOnly });
}
