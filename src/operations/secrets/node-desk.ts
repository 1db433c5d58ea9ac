import { NodeLease } from '../../executor/node-lease.js';
import type { FleetNode } from '../../fleet/types.js';
import type { NodeVerdict } from '../../node/exit-code.js';
import { verdictOnFailure } from '../../node/exit-code.js';
import type { KitAnswer, KitCall, KitCaller, KitLine } from '../../node/types.js';
import { EdgectlError } from '../../errors/error.js';

/** How one node ended. */
export interface NodeEnd {
  node: string;
  verdict: NodeVerdict;
  /** The kit's code or the transport's kind; absent when all went well. */
  code?: string;
  message?: string;
}

/** What stops the work on one node; the others go on. */
export class NodeStop extends Error {
  constructor(
    readonly verdict: NodeVerdict,
    readonly code: string,
    message: string,
    readonly lines: readonly KitLine[] = [],
  ) {
    super(message);
  }
}

/** Milliseconds: a TPM may take half a minute to make an RSA key, and others may wait for it. */
const patienceMs = 180_000;

/** One node, asked one call after the other under its lease. */
export class NodeDesk {
  #lease: NodeLease | undefined;

  constructor(
    readonly node: FleetNode,
    private readonly client: KitCaller,
    private readonly signal?: AbortSignal,
  ) {}

  /** Carries work out under the node's lease. Throws NodeStop. */
  async leased<T>(run: string, owner: { owner: string; host: string }, work: () => Promise<T>): Promise<T> {
    const lease = new NodeLease(run, owner, (call) => this.#call(call), performance.now.bind(performance));
    const refused = await lease.take();
    if (refused !== null) {
      const verdict = refused.state === 'offline' ? 'unreachable' : refused.state === 'refused' ? 'refused' : 'failed';
      throw new NodeStop(verdict, refused.why ?? 'LEASE', refused.message ?? 'the node gave no lease');
    }
    this.#lease = lease;
    try {
      return await work();
    } finally {
      this.#lease = undefined;
      await lease.release();
    }
  }

  /** Asks; the answer's lines. Throws NodeStop when the node says no or nothing. */
  async ask(verb: 'tpm' | 'secret', fields: Record<string, string>): Promise<readonly KitLine[]> {
    await this.#lease?.keep();
    const token = this.#lease === undefined ? {} : { token: String(this.#lease.token) };
    const answer = await this.#call({ verb, fields: { ...fields, ...token }, timeoutMs: patienceMs });
    if (answer.kind === 'ok') return answer.lines;
    throw stopOf(answer);
  }

  #call(call: KitCall): Promise<KitAnswer> {
    return this.client.call(this.node.id, call, this.signal);
  }
}

const failures = new Set(['NO_TOOLS', 'NO_TPM', 'TPM_FAILED', 'TPM_LOCKED', 'NO_SPACE', 'READ_ONLY', 'INTERNAL', 'NO_RAM', 'BUSY']); // prettier-ignore

function stopOf(answer: Exclude<KitAnswer, { kind: 'ok' }>): NodeStop {
  if (answer.kind === 'refused') {
    const verdict = failures.has(answer.code) ? 'failed' : 'refused';
    return new NodeStop(verdict, answer.code, answer.reason, answer.lines);
  }
  if (answer.kind === 'unreachable' && answer.failure !== undefined)
    return new NodeStop(verdictOnFailure(answer.failure), answer.failure.kind, answer.message);
  // A kit from before these verbs says how it is called, and nothing else.
  if (/usage: edgectl-node/.test(answer.message))
    return new NodeStop('refused', 'KIT_PROTOCOL', 'its kit is too old for secrets: edgectl rollout kit');
  return new NodeStop('failed', 'PROTOCOL', answer.message);
}

/** Runs work on one node and turns what stopped it into a value. Operator errors are the node's own end too: others go on. */
export async function endOf(node: string, work: () => Promise<void>): Promise<NodeEnd> {
  try {
    await work();
    return { node, verdict: 'ok' };
  } catch (error) {
    if (error instanceof NodeStop) return { node, verdict: error.verdict, code: error.code, message: error.message };
    if (error instanceof EdgectlError && error.code !== 'INTERNAL')
      return { node, verdict: error.exitCode === 4 ? 'refused' : 'failed', code: error.code, message: error.message };
    throw error;
  }
}
