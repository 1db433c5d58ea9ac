import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Machine } from '../../src/lab/machines/machine.js';
import type { GenerationLine, KitLine, KitVerb, TxLine, TxState } from '../../src/node/types.js';
import { encodeRequest, parseAnswer } from '../../src/node/wire.js';
import type { TestAuthority, TestBundle } from './machines-authority.js';
import { until } from './until.js';

const kit = '/usr/local/sbin/edgectl-node';
const settled: readonly TxState[] = ['COMMIT', 'ABORT', 'REVERTED', 'BROKEN'];

/** A refusal or a protocol error of a kit. */
export class KitSaidNo extends Error {
  constructor(
    readonly code: string,
    reason: string,
  ) {
    super(`${code}: ${reason}`);
  }
}

/** Talks to the kit of one machine without a network, as one run of the operator's side would. */
export class KitOnMachine {
  private token = '';
  private seq = 0;
  private readonly nonces = new Map<string, string>();

  constructor(readonly machine: Machine) {}

  /** One request; the lines before `end`. Throws {@link KitSaidNo}. */
  async call(verb: KitVerb, fields: Record<string, string> = {}, payload?: Buffer): Promise<KitLine[]> {
    const head = encodeRequest(fields);
    const input = payload === undefined ? head : Buffer.concat([head, payload]);
    const result = await this.machine.exec([kit, verb], { input, timeoutMs: 120_000 });
    const answer = parseAnswer(Buffer.from(result.stdout));
    if (!answer.valid)
      throw new KitSaidNo('PROTOCOL', `${verb}: ${answer.why}; status ${result.status}; ${result.stderr.slice(-800)}`);
    if (!answer.ok) throw new KitSaidNo(answer.code, answer.reason);
    return answer.lines;
  }

  /** Takes the lease of a run; later calls carry its token. */
  async lease(runId: string): Promise<void> {
    const [line] = await this.call('lease', { op: 'take', run: runId, owner: 'test', host: 'test', ttl: '3600' });
    this.token = String(line?.['token']);
  }

  async release(runId: string): Promise<void> {
    await this.call('lease', { op: 'release', run: runId, token: this.token });
  }

  /** A changing call with the run's token. */
  change(verb: KitVerb, fields: Record<string, string>, payload?: Buffer): Promise<KitLine[]> {
    return this.call(verb, { ...fields, token: this.token }, payload);
  }

  /** Lease, slice, every bundle that the node does not have yet, and adoption by the bundles' drivers. */
  async prepareRun(
    authority: TestAuthority,
    bundles: readonly TestBundle[],
    options: { adopt?: boolean } = {},
  ): Promise<void> {
    const { run, slice, proof, statement, signature } = authority;
    await this.lease(run);
    await this.change('stage', { op: 'slice', run, slice, proof, statement, signature });
    for (const bundle of bundles) await this.stage(run, bundle);
    if (options.adopt !== false) await this.change('adopt', { run });
  }

  /** Offers, sends and finishes one bundle. */
  async stage(run: string, bundle: TestBundle): Promise<void> {
    const { component } = bundle;
    const [offer] = await this.change('stage', { op: 'offer', run, component });
    if (offer?.['have'] !== true) {
      const offset = Number(offer?.['offset'] ?? 0);
      const bytes = (await readFile(bundle.path)).subarray(offset);
      await this.change(
        'stage',
        { op: 'put', run, component, offset: String(offset), size: String(bytes.length) },
        bytes,
      );
    }
    await this.change('stage', {
      op: 'finish',
      run,
      component,
      statement: bundle.statement,
      signature: bundle.signature,
    });
  }

  /** Starts a transaction; its step id. */
  async start(run: string): Promise<string> {
    this.seq += 1;
    const step = `${run}/${this.machine.id}/${this.seq}/1`;
    const nonce = randomBytes(16).toString('hex');
    this.nonces.set(step, nonce);
    await this.change('run', { run, step, nonce_sha256: createHash('sha256').update(nonce).digest('hex') });
    return step;
  }

  async confirm(run: string, step: string): Promise<TxLine> {
    return txOf(await this.change('confirm', { run, step, nonce: this.nonces.get(step) ?? '' }));
  }

  /** The node's record of a step. */
  async status(run: string, step: string): Promise<TxLine> {
    return txOf(await this.call('status', { run, step }));
  }

  /** Asks until the step is in one of these states, or settled otherwise; fails after `seconds`. */
  async reaches(run: string, step: string, states: readonly TxState[], seconds = 60): Promise<TxLine> {
    const tx = await until(
      `${this.machine.id}: ${step} is ${states.join(' or ')}, or settled`,
      () => this.status(run, step),
      { within: seconds * 1000, every: 200, good: ({ state }) => states.includes(state) || settled.includes(state) },
    );
    if (states.includes(tx.state)) return tx;
    throw new Error(
      `${this.machine.id}: ${step} is ${tx.state} (${tx.why ?? '-'}), not ${states.join(' or ')}: ${tx.health ?? ''} ${tx.log ?? ''}`,
    );
  }

  /** The whole of a successful change. */
  async carryOut(authority: TestAuthority, bundles: readonly TestBundle[]): Promise<TxLine> {
    await this.prepareRun(authority, bundles);
    const step = await this.start(authority.run);
    await this.reaches(authority.run, step, ['AWAIT']);
    const done = await this.confirm(authority.run, step);
    await this.release(authority.run);
    return done;
  }

  async generation(): Promise<GenerationLine> {
    const found = (await this.call('status')).find((line) => line.t === 'generation');
    if (found === undefined) throw new Error(`${this.machine.id}: status names no generation`);
    return found as GenerationLine;
  }

  /** Committed versions by component. */
  async versions(): Promise<Record<string, string>> {
    const { committed_components: components } = await this.generation();
    return Object.fromEntries(Object.entries(components).map(([name, state]) => [name, state.version]));
  }
}

function txOf(lines: KitLine[]): TxLine {
  const found = lines.find((line) => line.t === 'tx');
  if (found === undefined) throw new Error('the answer has no tx line');
  return found as TxLine;
}
