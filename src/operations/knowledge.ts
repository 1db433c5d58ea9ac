import type { FactsResult } from '../facts/collect.js';
import type { NodeFacts } from '../facts/facts.js';
import type { Knowledge, NodeKnowledge } from '../fleet/knowledge.js';
import { matcher } from '../fleet/select-nodes.js';
import { parseSelector } from '../fleet/selector.js';
import type { Fleet } from '../fleet/types.js';
import type { Journal } from '../journal/journal.js';

/** Failures of the way to a node; everything else is an answer of something that is there. */
const away = new Set([
  ...['dns', 'refused', 'no-route', 'connect-timeout', 'handshake-timeout', 'closed', 'command-timeout'],
]);

/** Remembers in the journal what nodes said of themselves, and which could not be reached. */
export async function rememberFacts(journal: Journal, results: readonly FactsResult[]): Promise<void> {
  await journal.facts.put(
    results.flatMap((result) => {
      if (result.ok) return [{ node: result.node, reached: true, facts: result.facts }];
      return result.why === 'cancelled' ? [] : [{ node: result.node, reached: !away.has(result.why) }];
    }),
  );
}

/** What the journal knows of the fleet's nodes, for selectors. */
export async function loadKnowledge(journal: Journal, fleet: Fleet): Promise<Knowledge> {
  const [facts, contacts, runs] = await Promise.all([
    journal.facts.list(),
    journal.facts.contacts(),
    journal.runs.lastStates(),
  ]);
  const knowledge = new Map<string, NodeKnowledge>(fleet.nodes.map((node) => [node.id, {}]));
  const add = (node: string, more: NodeKnowledge): void => {
    const known = knowledge.get(node);
    if (known !== undefined) Object.assign(known, more);
  };
  const drift = driftOf(fleet);
  for (const { node, at, body } of facts) {
    const seen = body as NodeFacts;
    const drifted = drift(node, seen);
    add(node, { facts: { at, values: factValues(seen) }, ...(drifted === undefined ? {} : { drifted }) });
  }
  for (const { node, at, reached } of contacts) add(node, { contact: { at, reached } });
  for (const { node, at, run, state } of runs) add(node, { lastRun: { at, run, state } });
  return knowledge;
}

/** Facts as text by the keys of selectors. */
export function factValues(facts: NodeFacts): Record<string, string> {
  const versions = { ...facts.components.unmanaged };
  for (const [name, { version }] of Object.entries(facts.components.managed)) versions[name] = version;
  const known: Record<string, string | number | undefined> = {
    arch: facts.arch,
    os: facts.os?.id,
    'os.version': facts.os?.version,
    kernel: facts.kernel,
    init: facts.init?.kind,
    'init.version': facts.init?.version,
    cgroup: facts.cgroup,
    kit: facts.kit ? 'yes' : 'no',
  };
  const texts = Object.entries(known).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)] as const],
  );
  const runtimes = Object.entries(versions).map(([name, version]) => [`runtime.${name}`, version] as const);
  return Object.fromEntries([...texts, ...runtimes]);
}

/** Whether a node's facts differ from what runtimes.yaml wants there; undefined when its architecture decides and is not known. */
function driftOf(fleet: Fleet): (node: string, facts: NodeFacts) => boolean | undefined {
  const nodes = new Map(fleet.nodes.map((node) => [node.id, node]));
  const wants = fleet.runtimes.map((runtime) => ({ runtime, meant: matcher(parseSelector(runtime.on)) }));
  return (id, facts) => {
    const node = nodes.get(id);
    if (node === undefined) return undefined;
    let open = false;
    for (const { runtime, meant } of wants) {
      if (!meant(node)) continue;
      const digest = runtime.digests[facts.arch ?? ''] ?? runtime.digests['all'];
      if (digest === undefined) open = true;
      else if (facts.components.managed[runtime.component]?.digest !== digest) return true;
    }
    return open ? undefined : false;
  };
}
