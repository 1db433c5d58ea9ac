import { withPrivateDir } from '../util/private-dir.js';
import type { PackRequest } from './pack.js';
import { packBundle } from './pack.js';
import { renderStatement } from './statement.js';
import type { WritableBundleStore } from './store.js';
import type { StoredBundle } from './types.js';

/** What to pack, and how it is signed. */
export interface ProduceRequest extends Omit<PackRequest, 'scratch'> {
  store: WritableBundleStore;
  /** Series number of the statement: milliseconds since the epoch. */
  series: number;
  /** Signs the statement's text ; an armored signature. */
  sign: (statement: string) => Promise<string>;
  /** Is this stored signature still good? Otherwise the bundle is signed anew. */
  accept: (statement: string, signature: string) => Promise<boolean>;
}

/** Packs, signs and stores a bundle. The same content is found again and keeps its statement (`isNew` is false). */
export async function produceBundle(request: ProduceRequest): Promise<{ bundle: StoredBundle; isNew: boolean }> {
  const { store } = request;
  // Beside the store, so that the archive can be moved in; /tmp may be small.
  return withPrivateDir(store.dir, async (scratch) => {
    const packed = await packBundle({ ...request, scratch });
    const present = await intact(store, packed.digest);
    const agrees =
      present?.component === packed.component && present.version === packed.version && present.arch === packed.arch;
    if (present !== undefined && agrees && (await request.accept(present.statement, present.signature))) {
      return { bundle: present, isNew: false };
    }
    const { component, version, arch, digest, size } = packed;
    const statement = renderStatement({ component, version, arch, digest, size, series: request.series });
    const bundle = await store.add({ archive: packed.path, statement, signature: await request.sign(statement) });
    return { bundle, isNew: true };
  });
}

/** What the store holds under a digest, unless it is damaged: then it is to be replaced. */
async function intact(store: WritableBundleStore, digest: string): Promise<StoredBundle | undefined> {
  return store.check(digest).catch(() => undefined);
}
