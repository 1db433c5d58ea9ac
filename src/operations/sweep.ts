import type { Asked } from '../facts/asked.js';
import { usuallyAsked } from '../facts/asked.js';
import type { LookResult } from '../facts/observe.js';
import { lookAt } from '../facts/observe.js';
import type { ObservationStore } from '../journal/observations/store.js';
import type { KitAnswer, KitCaller } from '../node/types.js';
import type { Clock } from '../util/clock.js';
import { mapLimit } from '../util/map-limit.js';

/** How long history is kept. */
const KEEP_MS = 400 * 86_400_000;
/** Nodes that are kept together. */
const BATCH = 256;

/** How nodes are swept. */
export interface SweepOptions {
  store: Pick<ObservationStore, 'digests' | 'put' | 'prune'>;
  clock: Clock;
  /** What is asked of a node by name; the usual when absent. */
  asked?: (node: string) => Asked;
  /** Nodes at once. Default 256: waiting costs nothing, handshakes are limited apart. */
  concurrency?: number;
  /** Milliseconds for one node. Default 30 s. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** How a node is asked that has no kit for it; without it such a node is not seen. */
  firstLook?: (nodeId: string, fields: Record<string, string>) => Promise<KitAnswer>;
  /** Called after each node, for progress. */
  onNode?: (done: number, total: number) => void;
}

/** What a sweep came to at one node. */
export type SweptNode = { node: string } & (
  | { ok: true; kit: boolean; changed: number; sections: number; same: number; dark: string[] }
  | { ok: false; reached: boolean; look: Extract<LookResult, { ok: false }>; why: string; message: string }
);

/**
 * Looks at each node once, in one round trip, and keeps what was seen; sections that have not changed cost only their digest. The
 * results are in the order given, a node that cannot be seen among them. Throws JOURNAL_DISK_FULL and JOURNAL_FAILED.
 */
export async function sweepNodes(
  caller: KitCaller,
  nodes: readonly string[],
  options: SweepOptions,
): Promise<SweptNode[]> {
  return await new Sweep(caller, nodes, options).run();
}

class Sweep {
  readonly #changed = new Map<string, number>();
  #waiting: LookResult[] = [];
  #writing: Promise<void> = Promise.resolve();
  #done = 0;

  constructor(
    private readonly caller: KitCaller,
    private readonly nodes: readonly string[],
    private readonly options: SweepOptions,
  ) {}

  async run(): Promise<SweptNode[]> {
    const { store, clock, concurrency } = this.options;
    const digests = await store.digests(this.nodes);
    const looks = await mapLimit(this.nodes, concurrency ?? 256, async (node) => {
      const look = await this.#look(node, digests.get(node) ?? {});
      await this.#keep(look);
      return look;
    });
    await this.#flush();
    await store.prune(new Date(clock.now() - KEEP_MS).toISOString());
    return looks.map((look) => this.#result(look));
  }

  async #look(node: string, known: Record<string, string>): Promise<LookResult> {
    const { clock, asked, timeoutMs, signal, firstLook } = this.options;
    return await lookAt(this.caller, node, {
      clock,
      known,
      asked: asked?.(node) ?? usuallyAsked,
      timeoutMs: timeoutMs ?? 30_000,
      ...(signal === undefined ? {} : { signal }),
      ...(firstLook === undefined ? {} : { firstLook }),
    });
  }

  /** Kept in batches while others are still asked: what has been seen outlives a crash. */
  async #keep(look: LookResult): Promise<void> {
    this.#done += 1;
    this.options.onNode?.(this.#done, this.nodes.length);
    // Whoever ends the sweep has learned nothing about the nodes that were not waited for.
    if (!look.ok && look.why === 'cancelled') return;
    this.#waiting.push(look);
    if (this.#waiting.length >= BATCH) await this.#flush();
  }

  async #flush(): Promise<void> {
    const batch = this.#waiting.splice(0);
    this.#writing = this.#writing.then(async () => {
      const changed = await this.options.store.put(batch.map(({ sighting }) => sighting));
      for (const [node, count] of changed) this.#changed.set(node, count);
    });
    await this.#writing;
  }

  #result(look: LookResult): SweptNode {
    const { node, sighting } = look;
    if (!look.ok) {
      const { why, message } = look;
      return { node, ok: false, reached: sighting.reached, look, why, message };
    }
    const { sections } = sighting;
    return {
      node,
      ok: true,
      kit: look.kit,
      changed: this.#changed.get(node) ?? 0,
      sections: sections.length,
      same: sections.filter(({ state }) => state === 'same').length,
      dark: sections.filter(({ state }) => state === 'dark').map(({ section }) => section),
    };
  }
}
