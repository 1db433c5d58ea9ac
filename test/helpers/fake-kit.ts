import { createHash } from 'node:crypto';

import type { RunClock } from '../../src/executor/clock.js';
import type { ComponentState, KitAnswer, KitCall, KitCaller, KitLine, TxLine, TxState } from '../../src/node/types.js';
import { rootOfProof } from '../../src/plan/merkle.js';
import { parseKeyValueText } from '../../src/plan/slice.js';

/** What a made-up node does when a new generation is tried on it. */
export interface Behaviour {
  /** Seconds until the trial is healthy. */
  healthyAfter: number;
  /** Seconds after which the new runtime crashes; never when left out. */
  crashAfter?: number;
  /** A local veto's line. */
  veto?: string;
}

/** What goes wrong on the way to a node. Each call takes the first that fits; `times` counts down. */
export interface Fault {
  /** Only this verb; any when left out. */
  verb?: string;
  /** `lose-request`: never arrives; `lose-answer`: the node acts, nobody hears; `garble`: it acts and answers nonsense. */
  how: 'lose-request' | 'lose-answer' | 'garble' | 'host-key' | 'hang';
  times: number;
}

interface Transaction {
  step: string;
  run: string;
  nonceDigest: string;
  state: TxState;
  why?: string;
  startedAt: number;
  awaitUntil: number;
  want: Record<string, ComponentState | null>;
}

const SIZE = 20_000_000;
const ended: readonly TxState[] = ['COMMIT', 'ABORT', 'REVERTED', 'BROKEN'];

/** One node’s side of the protocol, in memory: slices, leases with fencing, staging, one transaction at a time, its verdicts. */
export class FakeNode {
  readonly id: string;
  committed: Record<string, ComponentState>;
  behaviour: Behaviour = { healthyAfter: 10 };
  faults: Fault[] = [];
  offline = false;
  /** Commits that happened, by step: what must never be repeated. */
  readonly commits: string[] = [];
  /** Transactions that were begun, by step. */
  readonly begun: string[] = [];
  readonly store = new Set<string>();
  /** Its disk has no room for a bundle. */
  full = false;
  lease: { run: string; owner: string; host: string; token: number; until: number } | undefined;
  readonly #clock: RunClock;
  readonly #runs = new Map<string, ReadonlyMap<string, string>>();
  readonly #txs = new Map<string, Transaction>();
  readonly #uploads = new Map<string, number>();
  #tokenHigh = 0;
  #series = 0;
  #later: KitLine | undefined;
  #ejected = false;

  constructor(id: string, clock: RunClock, committed: Record<string, ComponentState>) {
    this.id = id;
    this.#clock = clock;
    this.committed = committed;
    for (const state of Object.values(committed)) this.store.add(state.digest);
  }

  /** Power comes back after it was cut: what was not committed is gone. */
  powerCut(): void {
    for (const tx of this.#open()) this.#end(tx, 'REVERTED', 'power');
    this.lease = undefined;
  }

  /** Falls back by itself after a commit. */
  fallBack(to: Record<string, ComponentState>): void {
    this.#later = { t: 'later', component: Object.keys(to)[0] ?? '', why: 'crash' };
    this.committed = to;
  }

  handle(call: KitCall): KitAnswer {
    this.settleTime();
    if (this.#ejected) return refuse('NO_KIT', 'the node kit is not installed');
    const f = call.fields;
    const needsToken = !['hello', 'facts', 'status', 'doctor', 'lease'].includes(call.verb);
    if (needsToken && Number(f['token']) < this.#tokenHigh) return refuse('FENCED', 'a newer lease was given');
    switch (call.verb) {
      case 'lease':
        return this.#leaseVerb(f);
      case 'stage':
        return this.#stage(f, call);
      case 'adopt':
        return ok();
      case 'run':
        return this.#run(f);
      case 'status':
        return this.#status(f);
      case 'confirm':
        return this.#confirm(f);
      case 'revert':
        return this.#revert(f);
      case 'undeny':
        return ok({ t: 'undenied', component: 'rt', digest: 'x' });
      case 'eject':
        return this.#eject(f);
      default:
        return ok({ t: call.verb });
    }
  }

  #eject(f: Readonly<Record<string, string>>): KitAnswer {
    if (this.#runs.get(f['run'] ?? '')?.get('kind') !== 'eject') return refuse('NO_SLICE', 'no slice of that kind');
    this.#ejected = true;
    this.commits.push(`${f['run']}/eject`);
    return ok({ t: 'ejected', path: '/usr/local/sbin/edgectl-node' });
  }

  /** Seconds until something happens by itself; Infinity when nothing will. */
  nextChange(): number {
    const now = this.#clock.monotonic() / 1000;
    return (
      Math.min(
        ...this.#open().map((tx) => this.#timeline(tx).find((event) => event.at > now)?.at ?? Infinity),
        Infinity,
      ) - now
    );
  }

  settleTime(): void {
    const now = this.#clock.monotonic() / 1000;
    for (const tx of this.#open()) {
      for (const event of this.#timeline(tx)) {
        if (event.at > now || ended.includes(tx.state)) break;
        if (event.state === 'REVERTED') this.#end(tx, 'REVERTED', event.why);
        else tx.state = event.state;
      }
    }
  }

  #timeline(tx: Transaction): { at: number; state: TxState; why: string }[] {
    const { healthyAfter, crashAfter } = this.behaviour;
    const events: { at: number; state: TxState; why: string }[] = [
      { at: tx.startedAt + healthyAfter, state: 'AWAIT', why: '' },
    ];
    if (crashAfter !== undefined) events.push({ at: tx.startedAt + crashAfter, state: 'REVERTED', why: 'crash' });
    events.push({ at: tx.awaitUntil, state: 'REVERTED', why: 'deadline' });
    return events.sort((left, right) => left.at - right.at);
  }

  #open(): Transaction[] {
    return [...this.#txs.values()].filter((tx) => !ended.includes(tx.state));
  }

  #end(tx: Transaction, state: TxState, why: string): void {
    tx.state = state;
    if (why !== '') tx.why = why;
  }

  #leaseVerb(f: Readonly<Record<string, string>>): KitAnswer {
    const now = this.#clock.monotonic() / 1000;
    const held = this.lease !== undefined && this.lease.until > now ? this.lease : undefined;
    if (f['op'] === 'take') {
      if (held !== undefined && held.run !== f['run']) {
        const { run, owner, host, until } = held;
        return refuse('HELD', 'the lease is held', {
          t: 'lease',
          held: true,
          run,
          owner,
          host,
          since: 1,
          ttl_left: until - now,
        });
      }
      this.#tokenHigh += 1;
      this.lease = {
        run: f['run'] ?? '',
        owner: f['owner'] ?? '',
        host: f['host'] ?? '',
        token: this.#tokenHigh,
        until: now + Number(f['ttl']),
      };
      return ok({ t: 'lease', held: true, token: this.#tokenHigh });
    }
    if (Number(f['token']) < this.#tokenHigh) return refuse('FENCED', 'a newer lease was given');
    if (f['op'] === 'release') this.lease = undefined;
    else if (this.lease !== undefined) this.lease.until = now + Number(f['ttl']);
    return ok({ t: 'lease', held: this.lease !== undefined });
  }

  #stage(f: Readonly<Record<string, string>>, call: KitCall): KitAnswer {
    if (f['op'] === 'slice') return this.#acceptSlice(f);
    const slice = this.#runs.get(f['run'] ?? '');
    if (slice === undefined) return refuse('NO_SLICE', 'no slice of that run');
    const digest = (slice.get(`want.${f['component']}`) ?? '').split(' ')[1] ?? '';
    const component = f['component'] ?? '';
    const offset = this.#uploads.get(digest) ?? 0;
    if (f['op'] === 'offer') return ok({ t: 'offer', component, digest, have: this.store.has(digest), offset });
    if (f['op'] === 'put' && this.full) return refuse('NO_SPACE', '0 KiB free');
    if (f['op'] === 'put') {
      if (Number(f['offset']) !== offset || call.payload?.bundle !== digest)
        return refuse('BAD_BUNDLE', 'wrong offset or bundle');
      this.#uploads.set(digest, offset + call.payload.size);
      return ok({ t: 'put', component, offset: offset + call.payload.size });
    }
    if (offset !== SIZE) return refuse('DIGEST_MISMATCH', `it has ${offset} bytes`);
    this.store.add(digest);
    return ok({ t: 'staged', component, digest });
  }

  #acceptSlice(f: Readonly<Record<string, string>>): KitAnswer {
    const slice = parseKeyValueText(f['slice'] ?? '');
    const statement = parseKeyValueText(f['statement'] ?? '');
    if (slice === null || statement === null) return refuse('BAD_SLICE', 'cannot be read');
    if (f['signature'] !== 'SIGNATURE') return refuse('BAD_SIGNATURE', 'not signed by an allowed key');
    if (rootOfProof(f['slice'] ?? '', f['proof'] ?? '') !== statement.get('root'))
      return refuse('BAD_PROOF', 'not a leaf of the root');
    if (slice.get('node') !== this.id) return refuse('WRONG_NODE', 'for another node');
    for (const key of ['run', 'series', 'expires', 'fleet']) {
      if (slice.get(key) !== statement.get(key)) return refuse('BAD_SLICE', `${key} differs`);
    }
    const run = slice.get('run') ?? '';
    const newer = [...this.#runs.keys()].find((other) => other > run);
    if (newer !== undefined) return refuse('SUPERSEDED', `run ${newer} was accepted`);
    if (Number(slice.get('series')) < this.#series) return refuse('OLD_SERIES', 'older than what is committed');
    this.#runs.set(run, slice);
    return ok({ t: 'slice', run });
  }

  #run(f: Readonly<Record<string, string>>): KitAnswer {
    const step = f['step'] ?? '';
    const known = this.#txs.get(step);
    if (known !== undefined) return ok(this.#line(known));
    const slice = this.#runs.get(f['run'] ?? '');
    if (slice === undefined) return refuse('NO_SLICE', 'no slice of that run');
    const open = this.#open()[0];
    if (open !== undefined) return refuse('BUSY', `transaction ${open.step} is open`);
    if (this.behaviour.veto !== undefined) return refuse('VETO', this.behaviour.veto);
    const want: Transaction['want'] = {};
    for (const [key, value] of slice) {
      if (!key.startsWith('want.')) continue;
      const [version = '', digest = ''] = value.split(' ');
      if (value !== 'none' && !this.store.has(digest)) return refuse('NO_SLICE', 'not staged');
      want[key.slice(5)] = value === 'none' ? null : { version, digest };
    }
    const now = this.#clock.monotonic() / 1000;
    const cap = Number(slice.get('health.cap')) + Number(slice.get('confirm.window'));
    const tx: Transaction = {
      step,
      run: f['run'] ?? '',
      nonceDigest: f['nonce_sha256'] ?? '',
      state: 'TRIAL',
      startedAt: now,
      awaitUntil: now + cap,
      want,
    };
    this.#txs.set(step, tx);
    this.begun.push(step);
    return ok(this.#line(tx));
  }

  #status(f: Readonly<Record<string, string>>): KitAnswer {
    const components = this.committed;
    const generation: KitLine = {
      t: 'generation',
      committed: 1,
      active: 1,
      trial: false,
      components,
      committed_components: components,
    };
    const step = f['step'];
    if (step !== undefined) {
      const tx = this.#txs.get(step);
      return tx === undefined ? refuse('UNKNOWN_STEP', 'no record of it') : ok(this.#line(tx), generation);
    }
    const newest = new Map<string, Transaction>();
    for (const tx of this.#txs.values()) if (f['run'] === undefined || tx.run === f['run']) newest.set(tx.run, tx);
    return ok(
      ...[...newest.values()].map((tx) => this.#line(tx)),
      generation,
      ...(this.#later === undefined ? [] : [this.#later]),
    );
  }

  #confirm(f: Readonly<Record<string, string>>): KitAnswer {
    const tx = this.#txs.get(f['step'] ?? '');
    if (tx === undefined) return refuse('UNKNOWN_STEP', 'no record of it');
    if (
      createHash('sha256')
        .update(f['nonce'] ?? '')
        .digest('hex') !== tx.nonceDigest
    )
      return refuse('BAD_NONCE', 'the nonce does not fit');
    if (tx.state === 'COMMIT') return ok(this.#line(tx));
    if (tx.state !== 'AWAIT') return refuse('NOT_AWAITING', `it is ${tx.state}`);
    this.#end(tx, 'COMMIT', '');
    this.commits.push(tx.step);
    this.#series = Number(this.#runs.get(tx.run)?.get('series') ?? 0);
    for (const [component, state] of Object.entries(tx.want)) {
      if (state === null) delete this.committed[component];
      else this.committed = { ...this.committed, [component]: state };
    }
    return ok(this.#line(tx));
  }

  #revert(f: Readonly<Record<string, string>>): KitAnswer {
    const tx = this.#txs.get(f['step'] ?? '');
    if (tx === undefined) return refuse('UNKNOWN_STEP', 'no record of it');
    if (!ended.includes(tx.state)) this.#end(tx, 'REVERTED', 'operator');
    return ok(this.#line(tx));
  }

  #line(tx: Transaction): TxLine {
    const left = Math.max(0, tx.awaitUntil - this.#clock.monotonic() / 1000);
    return {
      t: 'tx',
      tx: tx.step.replaceAll('/', '.'),
      run: tx.run,
      step: tx.step,
      state: tx.state,
      deadline_left: left,
      ...(tx.why === undefined ? {} : { why: tx.why }),
    };
  }
}

/** A fleet of made-up nodes behind the executor's one way to nodes; long polls take fake time. */
export class FakeKit implements KitCaller {
  readonly nodes = new Map<string, FakeNode>();
  readonly calls: { node: string; verb: string; op: string | undefined }[] = [];
  /** How many calls are counted before the list of them is dropped. */
  keepCalls = true;
  inFlight = 0;
  peak = 0;
  readonly #clock: RunClock;

  constructor(clock: RunClock) {
    this.#clock = clock;
  }

  add(id: string, committed: Record<string, ComponentState>): FakeNode {
    const node = new FakeNode(id, this.#clock, committed);
    this.nodes.set(id, node);
    return node;
  }

  node(id: string): FakeNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no fake node ${id}`);
    return node;
  }

  async call(id: string, call: KitCall, signal?: AbortSignal): Promise<KitAnswer> {
    if (this.keepCalls) this.calls.push({ node: id, verb: call.verb, op: call.fields['op'] });
    this.inFlight += 1;
    this.peak = Math.max(this.peak, this.inFlight);
    try {
      return await this.#deliver(this.node(id), call, signal);
    } finally {
      this.inFlight -= 1;
    }
  }

  async #deliver(node: FakeNode, call: KitCall, signal?: AbortSignal): Promise<KitAnswer> {
    if (isAborted(signal)) return lost('cancelled', false);
    if (node.offline) return lost('connect-timeout', false);
    const fault = node.faults.find((candidate) => candidate.times > 0 && (candidate.verb ?? call.verb) === call.verb);
    if (fault !== undefined) fault.times -= 1;
    if (fault?.how === 'lose-request') return lost('refused', false);
    if (fault?.how === 'host-key') return lost('host-key-changed', false);
    if (fault?.how === 'hang') {
      await this.#clock.sleep(call.timeoutMs, signal);
      return lost(isAborted(signal) ? 'cancelled' : 'command-timeout', true);
    }
    let answer = node.handle(call);
    if (call.verb === 'status' && call.fields['since'] !== undefined)
      answer = await this.#poll(node, call, answer, signal);
    if (isAborted(signal)) return lost('cancelled', true);
    if (fault?.how === 'lose-answer') return lost('closed', true);
    if (fault?.how === 'garble') return { kind: 'protocol', mayHaveActed: true, message: 'an answer that is none' };
    return answer;
  }

  async #poll(node: FakeNode, call: KitCall, first: KitAnswer, signal?: AbortSignal): Promise<KitAnswer> {
    const unchanged =
      first.kind === 'ok' && first.lines.some((line) => line.t === 'tx' && line['state'] === call.fields['since']);
    if (!unchanged) return first;
    const wait = Math.min(Number(call.fields['wait'] ?? 0), Math.max(0.2, node.nextChange()));
    await this.#clock.sleep(wait * 1000, signal);
    return node.offline ? lost('closed', true) : node.handle(call);
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function ok(...lines: KitLine[]): KitAnswer {
  return { kind: 'ok', lines };
}

function refuse(code: string, reason: string, ...lines: KitLine[]): KitAnswer {
  return { kind: 'refused', code, reason, lines };
}

function lost(
  kind: 'cancelled' | 'connect-timeout' | 'refused' | 'closed' | 'host-key-changed' | 'command-timeout',
  sent: boolean,
): KitAnswer {
  return { kind: 'unreachable', mayHaveActed: sent, message: kind, failure: { ok: false, kind, message: kind, sent } };
}
