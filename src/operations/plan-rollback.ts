import { ulid } from 'ulid';
import { isTx } from '../actions/runtime/answers.js';
import { compileSteps } from '../actions/runtime/compile.js';
import { observe } from '../executor/observed.js';
import { EdgectlError } from '../errors/error.js';
import type { KitAnswer, TxLine } from '../node/types.js';
import { outcomeOfRefusal, outcomeOfSilence } from '../plan/outcomes.js';
import { buildSlices, type StateChoice } from '../plan/slice.js';
import { resolveFastPath } from '../plan/stages.js';
import type { ComponentDigests, Plan, PlanChange, PlanNode } from '../plan/types.js';
import { mapLimit } from '../util/map-limit.js';
import { authorisePlan } from './authorise.js';
import { policyNamed } from './plan-runtime.js';
import type { Workbench } from './workbench.js';

/** The way back of one node. */
interface Return {
  node: PlanNode;
  /** Versions of `expectAfter`, by component. */
  versions: Record<string, string>;
  series: number;
}

/** What a run replaced on a node: `null` where there was nothing before. */
type Replaced = Record<string, { version: string; digest: string } | null>;

/**
 * Plans the undoing of a run: on each node the exact bundles that the run replaced there, as the node recorded them. A node whose bundles
 * are no longer this run's is left alone (`superseded`); one that cannot be asked joins when it returns, if the journal knows what it had.
 * A plan without steps when nothing can be undone now; its nodes say why. Without a choice for their state, nodes refuse to take a runtime
 * of class C back.
 */
export async function planRollback(
  request: { run: Plan; nodes: readonly string[]; state?: StateChoice | undefined },
  bench: Pick<Workbench, 'fleet' | 'client' | 'around' | 'journal'>,
): Promise<Plan> {
  const { run } = request;
  if (run.kind === 'prepare' || run.kind === 'unprepare')
    throw new EdgectlError('RUN_STATE', {
      message: `Run ${run.id} ${run.kind === 'prepare' ? 'prepared nodes' : 'took the preparation of nodes back'}; no bundle was replaced.`,
      hint: run.kind === 'prepare' ? 'edgectl node prepare --undo' : 'edgectl node prepare',
    });
  const wanted = new Set(request.nodes);
  const concerned = run.nodes.filter((node) => wanted.has(node.id) && Object.keys(node.expectAfter).length > 0);
  const recorded = await recordedReturns(run, bench);
  const returns = await mapLimit(concerned, 256, async (node) => await returnOf(node, run, recorded, bench));
  const now = bench.around.now();
  const policy = policyNamed(bench.fleet, bench.fleet.policies.has(run.policy.name) ? run.policy.name : undefined);
  const seed = bench.around.randomHex(8);
  const nodes = returns.map(({ node }) => node);
  const moving = nodes.filter((node) => Object.keys(node.expectAfter).length > 0);
  const stages = resolveFastPath({
    nodes: moving.map((node) => ({ ...node, wariness: 0 })),
    seed,
    policy,
    name: 'rollback',
    skip: new Set(moving.filter((node) => node.intent).map((node) => node.id)),
  });
  for (const node of moving) node.stage = stages[0]?.name ?? null;
  const versions = new Map(
    returns.flatMap((one) =>
      Object.entries(one.versions).map(([name, version]) => [`${one.node.id} ${name}`, version]),
    ),
  );
  const versionAt = (node: string, component: string): string => versions.get(`${node} ${component}`) ?? '0';
  const plan = {
    schema: 1 as const,
    tool: bench.around.tool,
    id: ulid(now),
    kind: 'rollback' as const,
    fleet: { id: bench.fleet.id, name: bench.fleet.name, digest: bench.fleet.digest },
    createdAt: new Date(now).toISOString(),
    validUntil: new Date(now + policy.validForMs).toISOString(),
    series: Math.max(now, run.series + 1, ...returns.map((one) => one.series + 1)),
    expires: Math.floor(now / 1000) + 90 * 24 * 3600,
    seed,
    policy: { name: policy.name, rehearsal: policy.rehearsal, maxFailed: policy.maxFailed, maxStale: policy.maxStale },
    health: run.health,
    changes: changesOf(moving, run, versionAt),
    nodes,
    stages,
    steps: moving.flatMap((node) => compileSteps({ kind: 'rollback', node, actual: null, health: run.health })),
    undoes: run.id,
  };
  const { state } = request;
  const slices = buildSlices(plan, {
    ...(state === undefined ? {} : { state: stateOf(moving, state) }),
    versionOf: (component, digest) => versionOfDigest(moving, component, digest, versionAt),
  });
  return await authorisePlan({ ...plan, slices }, bench.around);
}

/** One choice for every component that goes back; it means nothing to those that are not of class C. */
function stateOf(nodes: readonly PlanNode[], choice: StateChoice): Record<string, Record<string, StateChoice>> {
  const forAll = (node: PlanNode): Record<string, StateChoice> =>
    Object.fromEntries(Object.keys(node.expectAfter).map((component) => [component, choice]));
  return Object.fromEntries(nodes.map((node) => [node.id, forAll(node)]));
}

async function recordedReturns(run: Plan, bench: Pick<Workbench, 'journal'>): Promise<Map<string, Replaced>> {
  const journal = await bench.journal();
  const returns = new Map<string, Replaced>();
  for (const attempt of await journal.attempts.list(run.id)) {
    const replaced = attempt.outcome?.data?.['replaced'];
    if (replaced !== undefined) returns.set(attempt.node, replaced as Replaced);
  }
  return returns;
}

async function returnOf(
  node: PlanNode,
  run: Plan,
  recorded: ReadonlyMap<string, Replaced>,
  bench: Pick<Workbench, 'client' | 'around'>,
): Promise<Return> {
  const call = { verb: 'status' as const, fields: { run: run.id }, timeoutMs: 30_000 };
  const answer = await bench.client.call(node.id, call, bench.around.signal);
  const at = new Date(bench.around.now()).toISOString();
  if (answer.kind === 'ok') return fromNode(node, run, answer, at);
  const known = recorded.get(node.id);
  const outcome = answer.kind === 'refused' ? outcomeOfRefusal(answer) : outcomeOfSilence(answer, false);
  if (known === undefined) return left(node, outcome.state, outcome.message);
  return back(node, known, {
    at,
    intent: true,
    observed: null,
    skip: { state: outcome.state, why: outcome.message },
    series: 0,
  });
}

function fromNode(node: PlanNode, run: Plan, answer: Extract<KitAnswer, { kind: 'ok' }>, at: string): Return {
  const committed = answer.lines.filter(isTx).find((tx) => tx.run === run.id && tx.state === 'COMMIT');
  if (committed === undefined) return left(node, 'noop', 'the run changed nothing on it');
  const observed = observe(answer.lines);
  const ours = Object.entries(node.expectAfter).every(
    ([name, digest]) => (observed?.components[name] ?? null) === digest,
  );
  if (!ours) return left(node, 'superseded', 'something newer than this run is there');
  const replaced = replacedOf(committed);
  if (replaced === null) return left(node, 'failed', 'the node has no record of what the run replaced');
  const components: ComponentDigests = observed?.components ?? {};
  return back(node, replaced, {
    at,
    intent: false,
    observed: components,
    series: Number(committed['slice_series'] ?? 0),
  });
}

/** Reads `tx.replaced`; null when the node tells none or something else. */
function replacedOf(tx: TxLine): Replaced | null {
  const value: unknown = tx['replaced'];
  if (typeof value !== 'object' || value === null) return null;
  const replaced: Replaced = {};
  for (const [component, entry] of Object.entries(value as Record<string, unknown>)) {
    const { version, digest } = (entry ?? {}) as { version?: unknown; digest?: unknown };
    replaced[component] =
      typeof version === 'string' && typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest)
        ? { version, digest }
        : null;
  }
  return replaced;
}

function back(
  node: PlanNode,
  replaced: Replaced,
  how: { at: string; intent: boolean; observed: ComponentDigests | null; series: number; skip?: PlanNode['skip'] },
): Return {
  const expectAfter: ComponentDigests = {};
  const versions: Record<string, string> = {};
  const changed = Object.keys(node.expectAfter).filter((component) => Object.hasOwn(replaced, component));
  if (changed.length === 0) return left(node, 'noop', 'the run replaced nothing on it');
  for (const component of changed) {
    const target = replaced[component] ?? null;
    expectAfter[component] = target?.digest ?? null;
    if (target !== null) versions[component] = target.version;
  }
  const { skip: _was, ...base } = node;
  return {
    node: {
      ...base,
      stage: null,
      observed: how.observed === null ? null : { at: how.at, components: how.observed, versions: {} },
      expectBefore: Object.fromEntries(changed.map((component) => [component, node.expectAfter[component] ?? null])),
      expectAfter,
      intent: how.intent,
      ...(how.skip === undefined ? {} : { skip: how.skip }),
    },
    versions,
    series: how.series,
  };
}

function left(node: PlanNode, state: NonNullable<PlanNode['skip']>['state'], why: string): Return {
  const { skip: _was, ...base } = node;
  return {
    node: {
      ...base,
      stage: null,
      observed: null,
      expectBefore: {},
      expectAfter: {},
      intent: false,
      skip: { state, why },
    },
    versions: {},
    series: 0,
  };
}

function changesOf(
  nodes: readonly PlanNode[],
  run: Plan,
  versionAt: (node: string, component: string) => string,
): PlanChange[] {
  const rows = new Map<string, PlanChange>();
  for (const node of nodes) {
    for (const [component, digest] of Object.entries(node.expectAfter)) {
      const key = `${component} ${digest ?? 'none'}`;
      const from = run.changes.find((change) => change.component === component)?.to?.version;
      const to = digest === null ? null : { version: versionAt(node.id, component), digest, size: 0, signedBy: '' };
      const row = rows.get(key) ?? { component, to, from: from === undefined ? [] : [from], nodes: 0 };
      rows.set(key, { ...row, nodes: row.nodes + 1 });
    }
  }
  return [...rows.values()];
}

function versionOfDigest(
  nodes: readonly PlanNode[],
  component: string,
  digest: string,
  versionAt: (node: string, component: string) => string,
): string {
  const node = nodes.find((candidate) => candidate.expectAfter[component] === digest);
  return node === undefined ? '0' : versionAt(node.id, component);
}
