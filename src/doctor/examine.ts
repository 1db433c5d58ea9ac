import type { Fleet, FleetNode } from '../fleet/types.js';
import type { NodeClient } from '../node/client.js';
import { isUnprepared } from '../node/command.js';
import { firstContact } from '../node/first-contact.js';
import type { KitAnswer } from '../node/types.js';
import { fileKnownHosts } from '../transport/known-hosts/file.js';
import type { Target, Transport } from '../transport/types.js';
import { escapeForTerminal } from '../util/escape.js';
import type { Clock } from '../util/clock.js';
import type { Check, CheckContext, CheckResult } from './check.js';

/** What an examination needs. */
export interface ExamineInput {
  fleet: Pick<Fleet, 'knownHostsFile'>;
  node: FleetNode;
  target: Target;
  transport: Transport;
  client: NodeClient;
  clock: Clock;
  signal?: AbortSignal;
}

const timeoutMs = 30_000;

/** Run checks on one node in order; after one that blocks has failed, the rest are skipped. */
export async function examine(input: ExamineInput, checks: readonly Check[]): Promise<CheckResult[]> {
  const context = contextOf(input);
  const results: CheckResult[] = [];
  let blockedBy: string | undefined;
  for (const check of checks) {
    if (blockedBy !== undefined) {
      results.push({ id: check.id, state: 'skipped', detail: `not looked at: ${blockedBy} comes first` });
      continue;
    }
    const finding = await check.run(context);
    results.push({ id: check.id, ...finding, detail: escapeForTerminal(finding.detail) });
    if (finding.state === 'bad' && check.blocks) blockedBy = check.id;
  }
  return results;
}

/** What the node's own kit finds (`doctor` verb), as results; empty when there is no kit to ask. */
export async function kitFindings(client: NodeClient, nodeId: string, signal?: AbortSignal): Promise<CheckResult[]> {
  const answer = await client.call(nodeId, { verb: 'doctor', fields: {}, timeoutMs }, signal);
  if (answer.kind !== 'ok') return [];
  return answer.lines.flatMap((line): CheckResult[] => {
    if (line.t !== 'check' || typeof line['id'] !== 'string') return [];
    const text = (key: string): string => (typeof line[key] === 'string' ? line[key] : '');
    const base = { id: `node:${line['id']}`, detail: text('detail') };
    return [line['ok'] === true ? { ...base, state: 'ok' } : { ...base, state: 'bad', hint: text('hint') }];
  });
}

function contextOf({ fleet, node, target, transport, client, clock, signal }: ExamineInput): CheckContext {
  const withSignal = signal === undefined ? {} : { signal };
  const pins = fileKnownHosts(fleet.knownHostsFile);
  const ask = (verb: 'hello' | 'facts'): Promise<KitAnswer> =>
    client.call(node.id, { verb, fields: {}, timeoutMs }, signal);
  const facts = async (): Promise<KitAnswer> => {
    const answer = await ask('facts');
    return isUnprepared(answer) ? firstContact(client, { timeoutMs, ...withSignal })(node.id) : answer;
  };
  return {
    node,
    target,
    client,
    clock,
    ...withSignal,
    pins: () => pins.lookup(node.id),
    connection: once(async () => {
      const connected = await transport.connect(target, withSignal);
      if (connected.ok) await connected.session.close();
      return connected;
    }),
    hello: once(() => ask('hello')),
    facts: once(facts),
  };
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= work());
}
