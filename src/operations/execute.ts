import { hostname, userInfo } from 'node:os';
import { builtinActions } from '../actions/registry.js';
import type { ActionContext } from '../actions/types.js';
import type { StoredBundle } from '../bundle/types.js';
import { EdgectlError } from '../errors/error.js';
import type { EventSink } from '../executor/events.js';
import type { RunControls, RunResult } from '../executor/types.js';
import type { KitCaller } from '../node/types.js';
import type { Plan } from '../plan/types.js';
import { verifyAuthority } from './authorise.js';
import { closeUndone } from './close-undone.js';
import { planRollback } from './plan-rollback.js';
import type { Workbench } from './workbench.js';

/** How an execution is watched and ended. */
export interface ExecutionOptions {
  sink: EventSink;
  controls: RunControls;
  /** Nodes whose finished failure is tried again. */
  retry?: ReadonlySet<string>;
  /** The plan was made by this very command. */
  plannedNow?: boolean;
}

/**
 * Carries a plan out, or goes on with it: the run id is the plan's, so doing this twice is resuming. Throws PLAN_SIGNATURE, PLAN_EXPIRED,
 * BUNDLE_NOT_FOUND, PREPARATION_STALE, JOURNAL_*.
 */
export async function executePlan(plan: Plan, bench: Workbench, options: ExecutionOptions): Promise<RunResult> {
  await verifyAuthority(plan, bench.fleet, bench.around);
  const journal = await bench.journal();
  const bundles = await bundleTexts(plan, bench);
  const [{ Executor }, { systemRunClock }] = await Promise.all([
    import('../executor/executor.js'),
    import('../executor/clock.js'),
  ]);
  if (plan.undoes !== undefined) await closeUndone(bench, plan.undoes);
  const callers = new Set(bench.fleet.nodes.filter((node) => node.callHome !== undefined).map((node) => node.id));
  const executor = new Executor(plan, {
    journal,
    kit: await kitOf(plan, bench),
    registry: builtinActions(),
    clock: systemRunClock,
    randomHex: bench.around.randomHex,
    controls: options.controls,
    bundles,
    sink: options.sink,
    callsHome: (id) => callers.has(id),
    owner: { owner: userInfo().username, host: hostname() },
    planRollback: async ({ plan: failed, nodes }) => {
      const way = await planRollback({ run: failed, nodes }, bench);
      return way.steps.length === 0 ? null : way;
    },
    ...(options.retry === undefined ? {} : { retry: options.retry }),
    ...(options.plannedNow === undefined ? {} : { plannedNow: options.plannedNow }),
  });
  return await executor.run();
}

async function kitOf(plan: Plan, bench: Workbench): Promise<KitCaller> {
  if (plan.kind !== 'prepare' && plan.kind !== 'unprepare') return bench.client;
  const { clientOfPreparation } = await import('./preparation.js');
  return await clientOfPreparation(plan, bench);
}

/** Statement, signature and size of every bundle here that the plan names. One that is only on the nodes needs none. */
async function bundleTexts(plan: Plan, bench: Workbench): Promise<ActionContext['bundles']> {
  const digests = new Set(plan.nodes.flatMap((node) => Object.values(node.expectAfter)));
  const texts: Record<string, Pick<StoredBundle, 'statement' | 'signature' | 'size'>> = {};
  const missing: string[] = [];
  for (const digest of digests) {
    if (digest === null) continue;
    const bundle = await bench.store.get(digest);
    if (bundle !== undefined)
      texts[digest] = { statement: bundle.statement, signature: bundle.signature, size: bundle.size };
    else missing.push(digest);
  }
  if (missing.length > 0 && plan.kind === 'runtime') {
    throw new EdgectlError('BUNDLE_NOT_FOUND', {
      message: `The plan names ${missing.length === 1 ? 'a bundle that is' : 'bundles that are'} not in the store here: ${missing
        .map((digest) => `sha256:${digest}`)
        .join(', ')}.`,
      hint: 'copy the bundles from where the plan was made, or name a source in runtimes.yaml',
    });
  }
  return texts;
}
