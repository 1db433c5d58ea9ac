import { readFile } from 'node:fs/promises';
import { keptKit, PREPARE_MS, wayToRoot } from '../actions/node/prepare.js';
import { EdgectlError } from '../errors/error.js';
import type { FleetNode } from '../fleet/types.js';
import type { NodeClient } from '../node/client.js';
import { targetOf } from '../node/target.js';
import type { KitAnswer } from '../node/types.js';
import { outcomeOfRefusal, outcomeOfSilence } from '../plan/outcomes.js';
import { preparationLines, type Preparation } from '../plan/preparation.js';
import type { Plan, PlanNode } from '../plan/types.js';
import { oneLine } from '../util/escape.js';
import { homeBastion, homeOf } from './call-home.js';
import { plainNode, upkeepPlan, type Asked } from './plan-upkeep.js';
import { preparationClient, preparationTexts, textDigest, type PreparationTexts } from './preparation.js';
import type { Workbench } from './workbench.js';

type Bench = Pick<Workbench, 'fleet' | 'around' | 'transport' | 'sudo'>;

/** Nodes that are looked at, and prepared, at once unless a policy says otherwise: each costs a login and a 100 KiB script. */
const AT_ONCE = 16;

/** What `node prepare` was asked for. */
export interface PrepareRequest {
  mode: 'install' | 'undo';
  /** The login for this once, instead of the fleet's. */
  login?: string | undefined;
  /** A public key file to let the node's own login in; found beside the identity file when absent. */
  authorizedKey?: string | undefined;
  /** The bastion that nodes shall keep a tunnel to. */
  callHome?: string | undefined;
  /** Nodes that call home are reached at their address this once. */
  direct?: boolean;
  /** Stages and concurrency; all nodes, sixteen at once, when absent: nothing that runs is touched. */
  policy?: string | undefined;
}

/** Works on every node, at most `atOnce` of them together, in their order; the command draws while it does. */
export type EachNode = <T>(
  nodes: readonly FleetNode[],
  work: (node: FleetNode) => Promise<T>,
  atOnce: number,
) => Promise<T[]>;

/**
 * Plans the preparation of nodes, or that it is taken back: looks at each with the very script that would do it, and signs. Changes nothing.
 * Throws KEYS_NOT_FOUND when the fleet has no key that a node could trust, USAGE when the key of a login cannot be read, and what
 * `homeBastion` and `homeOf` throw.
 */
export async function planPreparation(
  nodes: readonly FleetNode[],
  request: PrepareRequest,
  bench: Bench,
  each: EachNode,
): Promise<Plan> {
  const builtAt = Math.floor(bench.around.now() / 1000);
  const texts = await preparationTexts(bench, builtAt);
  const isInstall = request.mode === 'install';
  if (isInstall) requireKeys(texts, bench);
  const common: Preparation = {
    mode: request.mode,
    ...(request.login === undefined ? {} : { login: request.login }),
    ...(request.direct === true ? { direct: true } : {}),
    ...(isInstall ? { kit: { digest: textDigest(texts.kit), builtAt }, signers: textDigest(texts.signers) } : {}),
  };
  const wanted = new Map<string, Preparation>();
  const home =
    isInstall && request.callHome !== undefined ? await homeBastion(bench.fleet, request.callHome) : undefined;
  for (const node of nodes) {
    const calls = home === undefined ? {} : { home: homeOf(node, home) };
    wanted.set(node.id, isInstall ? { ...common, ...calls, ...(await loginOf(node, request, bench)) } : common);
  }
  const client = preparationClient(bench, texts, (id) => wanted.get(id));
  const asked = await each(nodes, async (node) => await look(node, request.mode, client, bench), AT_ONCE);
  return await upkeepPlan(isInstall ? 'prepare' : 'unprepare', asked, bench, {
    preparation: Object.fromEntries([...wanted].map(([id, what]) => [id, preparationLines(what)])),
    ...(request.policy === undefined ? { atOnce: AT_ONCE } : { policy: request.policy }),
  });
}

function requireKeys(texts: PreparationTexts, bench: Bench): void {
  const keys = texts.signers.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  if (keys.length > 0) return;
  throw new EdgectlError('KEYS_NOT_FOUND', {
    message: `${bench.fleet.allowedSignersFile} names no key: a node prepared so would accept no plan.`,
  });
}

async function loginOf(
  node: FleetNode,
  request: PrepareRequest,
  bench: Bench,
): Promise<Pick<Preparation, 'user' | 'key'>> {
  if (node.user === 'root') return {};
  const { homedir, env } = bench.around;
  const [identity] = targetOf(bench.fleet, node, { agent: env['SSH_AUTH_SOCK'], home: homedir }).identityFiles;
  const file = request.authorizedKey ?? (identity === undefined ? undefined : `${identity}.pub`);
  const key = file === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined);
  if (key === undefined && request.authorizedKey !== undefined)
    throw new EdgectlError('USAGE', { message: `The public key ${request.authorizedKey} cannot be read.` });
  return { user: node.user, ...(key === undefined ? {} : { key: key.trim() }) };
}

async function look(node: FleetNode, mode: PrepareRequest['mode'], client: NodeClient, bench: Bench): Promise<Asked> {
  const fields = { mode: mode === 'install' ? 'check' : 'check-undo' };
  const answer = await client.call(node.id, { verb: 'prepare', fields, timeoutMs: PREPARE_MS }, bench.around.signal);
  const base = plainNode(node, answer.kind === 'unreachable');
  const skip = standing(answer, mode);
  return { node: { ...base, ...(skip === null ? {} : { skip }) }, series: 0 };
}

/** Why a node is not part of the first pass; null when it is. */
function standing(answer: KitAnswer, mode: PrepareRequest['mode']): NonNullable<PlanNode['skip']> | null {
  if (answer.kind === 'ok') {
    if (answer.lines.some((line) => line.t === 'todo')) return null;
    const why = mode === 'install' ? 'was prepared already' : 'nothing of edgectl is there';
    return { state: 'noop', why: why + keptKit(answer.lines) };
  }
  const outcome = answer.kind === 'refused' ? outcomeOfRefusal(answer) : outcomeOfSilence(answer, false);
  const lines = answer.kind === 'refused' ? answer.lines : [];
  const failed = lines.find((line) => line.t === 'check' && line['ok'] === false);
  const advice = typeof failed?.['hint'] === 'string' ? oneLine(failed['hint']) : '';
  const login = answer.kind === 'refused' ? wayToRoot(answer.code) : '';
  return { state: outcome.state, why: `${oneLine(outcome.message)}${advice === '' ? '' : ` (${advice})`}${login}` };
}
