import { lineOf, numberOf } from '../actions/runtime/answers.js';
import type { KitAnswer, KitCall } from '../node/types.js';
import { outcomeOfRefusal, outcomeOfSilence } from '../plan/outcomes.js';
import type { Outcome } from '../plan/types.js';

/** Seconds that a node keeps a lease without hearing from us. */
export const NODE_LEASE_S = 180;

/** The lease that a node gives to one run at a time, with the fencing token that every changing call carries. */
export class NodeLease {
  readonly #run: string;
  readonly #owner: { owner: string; host: string };
  readonly #call: (call: KitCall) => Promise<KitAnswer>;
  readonly #now: () => number;
  #token: number | undefined;
  #renewedAt = 0;

  /** `now` is monotonic milliseconds. */
  constructor(
    run: string,
    owner: { owner: string; host: string },
    call: (call: KitCall) => Promise<KitAnswer>,
    now: () => number,
  ) {
    this.#run = run;
    this.#owner = owner;
    this.#call = call;
    this.#now = now;
  }

  get token(): number {
    return this.#token ?? 0;
  }

  /** Takes the lease; null when it was given. */
  async take(): Promise<Outcome | null> {
    const { owner, host } = this.#owner;
    const answer = await this.#call(this.#request({ op: 'take', owner, host, ttl: String(NODE_LEASE_S) }));
    if (answer.kind === 'refused') return withHolder(outcomeOfRefusal(answer), answer);
    if (answer.kind !== 'ok') return outcomeOfSilence(answer, false);
    const token = numberOf(lineOf(answer.lines, 'lease'), 'token');
    if (token === undefined)
      return { kind: 'failed', state: 'failed', message: 'the node gave a lease without a token', why: 'PROTOCOL' };
    this.#token = token;
    this.#renewedAt = this.#now();
    return null;
  }

  /** Renews when a third of its life is over; a failure is left to the next changing call, which the node then refuses. */
  async keep(): Promise<void> {
    if (this.#token === undefined || this.#now() - this.#renewedAt < (NODE_LEASE_S * 1000) / 3) return;
    const answer = await this.#call(
      this.#request({ op: 'renew', token: String(this.#token), ttl: String(NODE_LEASE_S) }),
    );
    if (answer.kind === 'ok') this.#renewedAt = this.#now();
  }

  /** Gives it back, so that nobody has to wait for its end; best effort. */
  async release(): Promise<void> {
    if (this.#token === undefined) return;
    const token = String(this.#token);
    this.#token = undefined;
    await this.#call(this.#request({ op: 'release', token }));
  }

  #request(fields: Record<string, string>): KitCall {
    return { verb: 'lease', fields: { run: this.#run, ...fields }, timeoutMs: 30_000 };
  }
}

function withHolder(outcome: Outcome, answer: { lines: readonly { t: string; [key: string]: unknown }[] }): Outcome {
  const line = answer.lines.find((candidate) => candidate.t === 'lease');
  if (line === undefined) return outcome;
  const text = (key: string): string =>
    typeof line[key] === 'string' || typeof line[key] === 'number' ? String(line[key]) : '?';
  const message = `${outcome.message}: run ${text('run')} of ${text('owner')} on ${text('host')} since ${text('since')}, ${text('ttl_left')} s left`;
  return {
    ...outcome,
    message,
    data: { ...outcome.data, holder: { run: text('run'), owner: text('owner'), host: text('host') } },
  };
}
