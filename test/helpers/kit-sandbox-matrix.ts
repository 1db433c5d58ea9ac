import { existsSync, readlinkSync } from 'node:fs';
import type { TxLine } from '../../src/node/types.js';
import type { MatrixNode, Observation } from './kit-matrix.js';
import type { SandboxNode, Started } from './kit-sandbox.js';
import { must } from './kit-sandbox.js';
import type { KitAuthority, KitBundle } from './kit-signer.js';
import { sha256 } from './kit-signer.js';
import { until } from './until.js';

/** A sandbox node under the crash matrix: version 1.0 of the distribution, an update to 2.0. */
export class SandboxMatrixNode implements MatrixNode {
  readonly old = '1.0';
  readonly new = '2.0';
  readonly #bundle: KitBundle;
  readonly #authority: KitAuthority;
  readonly #hitFile = 'run/edgectl/failpoint-hit';
  #hit = false;
  #attempt = 1;

  constructor(readonly node: SandboxNode) {
    this.#bundle = node.runtime(this.new);
    this.#authority = node.update([this.#bundle], { 'health.window': 0, 'health.passes': 1 });
  }

  async failpoint(number: number, mode: 'kill' | 'hold'): Promise<void> {
    await Promise.resolve();
    this.node.lab('failpoint', `${number} ${mode}`);
  }

  async hit(): Promise<boolean> {
    await Promise.resolve();
    this.#hit ||= existsSync(this.node.path(this.#hitFile));
    return this.#hit;
  }

  async drive(): Promise<void> {
    const started = await this.#begin();
    await this.node.reach(started, 'AWAIT');
    must(await this.node.confirm(started));
  }

  async pointerResolves(): Promise<boolean> {
    await Promise.resolve();
    if (!existsSync(this.node.path('var/lib/edgectl/gen/1'))) return true;
    try {
      return existsSync(this.node.path(`var/lib/edgectl/${readlinkSync(this.node.path('var/lib/edgectl/committed'))}`));
    } catch {
      return false;
    }
  }

  powerCut(): Promise<void> {
    return this.node.init.powerCut();
  }

  boot(): Promise<void> {
    return this.node.init.boot();
  }

  async recoverAgain(): Promise<void> {
    await this.node.init.recover();
  }

  async observe(): Promise<Observation> {
    let before = '';
    let latest = await this.#look();
    const look = async (): Promise<Observation> => {
      before = JSON.stringify(latest);
      return (latest = await this.#look());
    };
    const atRest = (seen: Observation): boolean =>
      (seen.state === '' || ['ABORT', 'REVERTED', 'COMMIT', 'BROKEN'].includes(seen.state)) &&
      !seen.trial &&
      seen.running !== '' &&
      JSON.stringify(seen) === before;
    // A killed runner is settled by its stop hook; give it, and the daemon's start, their time. What never rests is judged as it is.
    return until(`${this.node.id} is at rest`, look, { good: atRest }).catch(() => latest);
  }

  async retry(): Promise<Observation> {
    this.#attempt++;
    const started = await this.#begin();
    await this.node.reach(started, 'AWAIT');
    must(await this.node.confirm(started));
    return this.observe();
  }

  async #begin(): Promise<Started> {
    const token = await this.node.ready(this.#authority, [this.#bundle]);
    const step = `${this.#authority.run}/${this.node.id}/1/${this.#attempt}`;
    const nonce = `nonce-${this.#attempt}`;
    const answer = must(
      await this.node.call('run', { run: this.#authority.run, step, token, nonce_sha256: sha256(nonce) }),
    );
    return { run: this.#authority.run, step, nonce, token, answer };
  }

  async #look(): Promise<Observation> {
    const run = this.#authority.run;
    const status = await this.node.call('status', { run, step: `${run}/${this.node.id}/1/${this.#attempt}` });
    const tx = status.lines.find((line) => line.t === 'tx') as TxLine | undefined;
    const generation = await this.node.generation();
    const doctor = await this.node.call('doctor');
    return {
      committed: generation.committed_components['toy']?.version ?? '',
      active: generation.components['toy']?.version ?? '',
      running: this.node.running(),
      state: tx?.state ?? '',
      why: tx?.why ?? '',
      denied: status.lines.filter((line) => line.t === 'denied').length,
      trial: generation.trial,
      faults: doctor.lines.filter((line) => line['ok'] === false).map((line) => String(line['id'])),
    };
  }
}
