import type { NodeClient } from '../node/client.js';
import type { RegistrySettings } from '../registry/settings.js';
import { RegistryClient } from '../registry/client.js';
import { missingOf } from '../registry/copy-plan.js';
import type { RateLimit } from '../registry/rate-limit.js';
import { shellQuote } from '../node/prepare-script.js';
import type { CacheImage, SitePlan } from './types.js';

/** What a push needs. */
export interface PushOptions {
  settings: RegistrySettings;
  /** The spool as the fleet says it; empty: below the login's state directory. */
  spool: string;
  limit?: RateLimit | undefined;
  signal: AbortSignal;
  onSent?: (bytes: number) => void;
}

/**
 * For a site that cannot reach the source: reads blobs at the centre and appends them to the parts in the site's spool over SSH, each
 * from the offset that the plan found. Credentials stay with the operator; the site's job verifies every digest. The text says why it
 * ended early.
 */
export async function pushParts(
  client: Pick<NodeClient, 'exec'>,
  plan: SitePlan,
  images: readonly CacheImage[],
  options: PushOptions,
): Promise<string | undefined> {
  for (const { image, blobs } of plan.images) {
    const source = images[image];
    if (source === undefined) continue;
    const registry = new RegistryClient(source.from.registry, {
      ...options.settings,
      plainHttp: () => source.insecure,
    });
    try {
      for (const blob of blobs.filter((each) => missingOf(each) > 0)) {
        const at = blob.action === 'partial' ? blob.at : 0;
        const bytes = registry.readBlob(source.from.repository, blob, at);
        // The size is looked at once more: somebody else may have brought bytes since the plan.
        const script =
          `umask 077; SPOOL=${shellQuote(options.spool)}; ` +
          'SPOOL=${SPOOL:-${XDG_STATE_HOME:-${HOME:-/nonexistent}/.local/state}/edgectl/cache}; ' +
          `mkdir -p "$SPOOL/parts" || exit 1; PART=$SPOOL/parts/${blob.digest}; touch "$PART" || exit 1; ` +
          `[ "$(($(wc -c <"$PART")))" -eq ${at} ] || exit 9; exec cat >>"$PART"`;
        const result = await client.exec(plan.node, {
          argv: ['sh', '-c', script],
          stdin: limited(bytes, options),
          timeoutMs: 24 * 3_600_000,
          signal: options.signal,
        });
        if (!result.ok) return result.message;
        if (result.status === 9) return 'its spool changed since the plan; plan again';
        if (result.status !== 0) return `its spool cannot be written (status ${result.status ?? 'signal'})`;
      }
    } finally {
      await registry.close();
    }
  }
  return undefined;
}

async function* limited(bytes: AsyncIterable<Buffer>, { limit, signal, onSent }: PushOptions): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    await limit?.take(chunk.length, signal);
    onSent?.(chunk.length);
    yield chunk;
  }
}
