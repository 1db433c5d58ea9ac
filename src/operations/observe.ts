import type { Observation } from '../actions/runtime/compile-plan.js';
import { collectFacts } from '../facts/collect.js';
import type { FactsResult } from '../facts/collect.js';
import type { KitCaller } from '../node/types.js';
import { outcomeOfRefusal, outcomeOfSilence } from '../plan/outcomes.js';

/** How nodes are looked at before a plan. */
export interface ObserveOptions {
  /** Milliseconds since the epoch. */
  now: () => number;
  components: readonly string[];
  signal: AbortSignal;
  /** Gets everything that was seen, to keep it. */
  remember?: (results: readonly FactsResult[]) => Promise<void>;
  /** Called after each node, for progress. */
  onNode?: (done: number, total: number) => void;
}

/** Looks at each node once, in parallel; a node that cannot be seen is an observation too. */
export async function observeNodes(
  kit: KitCaller,
  nodes: readonly string[],
  options: ObserveOptions,
): Promise<Map<string, Observation>> {
  let done = 0;
  const results = await collectFacts(kit, nodes, {
    clock: { now: options.now },
    components: options.components,
    signal: options.signal,
    onNode: () => options.onNode?.((done += 1), nodes.length),
  });
  await options.remember?.(results);
  return new Map(results.map((result) => [result.node, observation(result)]));
}

function observation(result: FactsResult): Observation {
  if (result.ok) {
    const { facts } = result;
    return {
      seen: true,
      at: facts.at,
      arch: facts.arch ?? '',
      os: facts.os === undefined ? '' : `${facts.os.id} ${facts.os.version}`.trim(),
      components: facts.components.managed,
      unmanaged: facts.components.unmanaged,
      series: facts.series,
      ...(facts.kitIdentity === undefined ? {} : { kit: facts.kitIdentity }),
      ...(facts.init === undefined ? {} : { init: facts.init.kind }),
    };
  }
  const { answer } = result;
  if (answer.kind === 'refused' && answer.code === 'NO_KIT')
    return { seen: false, state: 'refused', why: 'no node kit: edgectl node prepare' };
  const outcome = answer.kind === 'refused' ? outcomeOfRefusal(answer) : outcomeOfSilence(answer, false);
  // Who is away says so in words alone; a refusal or a failure has a code that people look up.
  const coded = outcome.state !== 'offline' && outcome.why !== undefined;
  return { seen: false, state: outcome.state, why: coded ? `${outcome.why}: ${result.message}` : result.message };
}
