import { existsSync, mkdtempSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadDriver } from '../../src/bundle/drivers/load.js';
import { renderNodeDriver } from '../../src/bundle/drivers/render.js';
import { buildKit } from '../../src/node/kit-build.js';
import type { TxLine } from '../../src/node/types.js';
import type { MatrixNode, Observation } from './kit-matrix.js';
import type { KitShell, SandboxNode, Started } from './kit-sandbox.js';
import { must } from './kit-sandbox.js';
import type { KitAuthority, KitBundle } from './kit-signer.js';
import { put, sha256 } from './kit-signer.js';

const shells: Record<KitShell, string> = { dash: '/bin/dash', bash: '/bin/bash', busybox: '/bin/busybox sh' };
const templates = fileURLToPath(new URL('../../templates/node', import.meta.url));

/** How a kit's bundle differs from a good one. */
export interface KitChange {
  shell?: KitShell;
  /** What somebody did to its text. */
  edit?: (text: string) => string;
  namespace?: string;
}

/** A bundle of the node kit for a sandbox node, made from the same parts and the same driver as the real one. */
export async function kitBundle(node: SandboxNode, version: string, change: KitChange = {}): Promise<KitBundle> {
  const dir = mkdtempSync(join(node.base, 'kit-'));
  const shell = shells[change.shell ?? 'dash'];
  const text = await buildKit({ init: 'sandbox', lab: true, version, builtAt: 1_700_000_001, shell });
  put(join(dir, 'files', 'edgectl-node'), change.edit?.(text) ?? text, 0o755);
  put(join(dir, 'driver'), renderNodeDriver((await loadDriver('kit', [templates])).driver));
  return node.signer.bundle(dir, 'kit', version, {}, change.namespace ?? 'edgectl-kit');
}

/** An edit that must find its place: a kit that was not broken after all would prove nothing. */
export function replaced(from: string, to: string): (text: string) => string {
  return (text) => {
    if (text.split(from).length !== 2) throw new Error(`the kit does not hold ${JSON.stringify(from)} once`);
    return text.replace(from, () => to);
  };
}

/** The version of the kit that answers at the entry point. */
export async function answering(node: SandboxNode): Promise<string> {
  const answer = await node.call('hello');
  return answer.ok ? String(answer.lines[0]?.['kit']) : `${answer.code}: ${answer.stderr}`;
}

/** A sandbox node under the crash matrix of a kit upgrade: from what `node prepare` installed to a bundle. */
export class KitMatrixNode implements MatrixNode {
  readonly old = '0.1.0';
  readonly new = '0.2.0';
  readonly #authority: KitAuthority;
  #hit = false;
  #attempt = 1;

  private constructor(
    readonly node: SandboxNode,
    readonly bundle: KitBundle,
  ) {
    this.#authority = node.update([bundle], { 'health.window': 0, 'health.passes': 1 });
  }

  static async create(node: SandboxNode, shell: KitShell): Promise<KitMatrixNode> {
    return new KitMatrixNode(node, await kitBundle(node, '0.2.0', { shell }));
  }

  async failpoint(number: number, mode: 'kill' | 'hold'): Promise<void> {
    await Promise.resolve();
    this.node.lab('failpoint', `${number} ${mode}`);
  }

  async hit(): Promise<boolean> {
    await Promise.resolve();
    this.#hit ||= existsSync(this.node.path('run/edgectl/failpoint-hit'));
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
    let seen = await this.#look();
    const until = performance.now() + 60_000;
    while (performance.now() < until) {
      const again = await this.#look();
      const settled = again.state === '' || ['ABORT', 'REVERTED', 'COMMIT', 'BROKEN'].includes(again.state);
      if (settled && !again.trial && JSON.stringify(again) === JSON.stringify(seen)) break;
      seen = again;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // One that works: the kit that is there now can say no to a bad signature, too.
    const forged = { ...this.node.update([this.bundle]), signature: 'forged' };
    const refusal = await this.node.slice(await this.node.lease(forged.run), forged);
    if (refusal.code !== 'BAD_SIGNATURE') seen.faults.push(`a forged plan was answered ${refusal.code}`);
    return seen;
  }

  async retry(): Promise<Observation> {
    this.#attempt++;
    const started = await this.#begin();
    await this.node.reach(started, 'AWAIT');
    must(await this.node.confirm(started));
    return this.observe();
  }

  async #begin(): Promise<Started> {
    const token = await this.node.ready(this.#authority, [this.bundle]);
    const { run } = this.#authority;
    const step = `${run}/${this.node.id}/1/${this.#attempt}`;
    const nonce = `nonce-${this.#attempt}`;
    const answer = must(await this.node.call('run', { run, step, token, nonce_sha256: sha256(nonce) }));
    return { run, step, nonce, token, answer };
  }

  async #look(): Promise<Observation> {
    const run = this.#authority.run;
    const status = await this.node.call('status', { run, step: `${run}/${this.node.id}/1/${this.#attempt}` });
    const tx = status.lines.find((line) => line.t === 'tx') as TxLine | undefined;
    const generation = await this.node.generation();
    const doctor = await this.node.call('doctor');
    return {
      committed: generation.committed_components['kit']?.version ?? '',
      active: generation.components['kit']?.version ?? '',
      running: await answering(this.node),
      state: tx?.state ?? '',
      why: tx?.why ?? '',
      denied: status.lines.filter((line) => line.t === 'denied').length,
      trial: generation.trial,
      faults: doctor.lines.filter((line) => line['ok'] === false).map((line) => String(line['id'])),
    };
  }
}
