import { readFile } from 'node:fs/promises';
import { EdgectlError } from '../errors/error.js';
import type { Fleet, FleetNode } from '../fleet/types.js';
import { reasonOf } from '../facts/collect.js';
import { createNodeClient } from '../node/client.js';
import { buildKit } from '../node/kit-build.js';
import type { OpenNodes } from '../node/open.js';
import { prepareScript } from '../node/prepare-script.js';
import { nodeOf, targetOf } from '../node/target.js';
import type { KitAnswer, KitLine } from '../node/types.js';
import { outcomeOfRefusal, outcomeOfSilence } from '../plan/outcomes.js';
import type { NodeState } from '../plan/types.js';
import { oneLine } from '../util/escape.js';
import type { Surroundings } from './surroundings.js';

/** What `node prepare` was asked for. */
export interface PrepareRequest {
  mode: 'install' | 'check' | 'undo';
  /** The login for this once, instead of the fleet's. */
  login?: string;
  /** A public key file to let the node's own login in; found beside the identity file when absent. */
  authorizedKey?: string;
}

/** One check that the node made of itself. */
export interface PrepareCheck {
  id: string;
  ok: boolean;
  detail: string;
  hint: string;
}

/** What came of one node. */
export interface PrepareResult {
  node: string;
  ok: boolean;
  state: NodeState;
  message: string;
  why?: string;
  checks: PrepareCheck[];
  /** Paths that were written or removed. */
  paths: string[];
}

/** Prepares nodes, checks them, or undoes it: one script a node, piped to `sh -s` as root. Idempotent. */
export class NodePreparation {
  readonly #client;
  #texts: { kit: string; signers: string } | undefined;

  constructor(
    private readonly fleet: Fleet,
    nodes: Pick<OpenNodes, 'transport'>,
    private readonly request: PrepareRequest,
    private readonly around: Surroundings,
  ) {
    const operator = { agent: around.env['SSH_AUTH_SOCK'], home: around.homedir };
    this.#client = createNodeClient({
      transport: nodes.transport,
      target: (id) => {
        const target = targetOf(fleet, nodeOf(fleet, id), operator);
        return request.login === undefined ? target : { ...target, user: request.login };
      },
    });
  }

  /** Reads what every node gets. Throws KEYS_NOT_FOUND when the fleet has no key that a node could trust. */
  async ready(): Promise<{ kit: string; signers: string }> {
    return (this.#texts ??= await this.#read());
  }

  /** Throws what {@link ready} throws, and USAGE when a login would have no key. */
  async run(node: FleetNode): Promise<PrepareResult> {
    const texts = await this.ready();
    const user = await this.#loginOf(node);
    const script = await prepareScript({
      mode: this.request.mode,
      init: 'systemd',
      kit: texts.kit,
      node: node.id,
      fleet: this.fleet.id,
      allowedSigners: texts.signers,
      ...(user === undefined ? {} : { user }),
    });
    const answer = await this.#client.runScript(node.id, script, {
      sudo: true,
      timeoutMs: 180_000,
      changing: this.request.mode !== 'check',
      signal: this.around.signal,
    });
    return resultOf(node.id, this.request.mode, answer);
  }

  async #read(): Promise<{ kit: string; signers: string }> {
    const signers = await readFile(this.fleet.allowedSignersFile, 'utf8').catch(() => '');
    const keys = signers.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
    if (keys.length === 0) {
      throw new EdgectlError('KEYS_NOT_FOUND', {
        message: `${this.fleet.allowedSignersFile} names no key: a node prepared so would accept no plan.`,
      });
    }
    const version = this.around.tool.replace(/^edgectl /, '');
    const builtAt = Math.floor(this.around.now() / 1000);
    return { kit: await buildKit({ init: 'systemd', lab: false, version, builtAt }), signers };
  }

  async #loginOf(node: FleetNode): Promise<{ name: string; authorizedKey?: string } | undefined> {
    if (node.user === 'root') return undefined;
    const { homedir, env } = this.around;
    const [identity] = targetOf(this.fleet, node, { agent: env['SSH_AUTH_SOCK'], home: homedir }).identityFiles;
    const file = this.request.authorizedKey ?? (identity === undefined ? undefined : `${identity}.pub`);
    const key = file === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined);
    if (key === undefined && this.request.authorizedKey !== undefined)
      throw new EdgectlError('USAGE', { message: `The public key ${this.request.authorizedKey} cannot be read.` });
    return { name: node.user, ...(key === undefined ? {} : { authorizedKey: key.trim() }) };
  }
}

function resultOf(node: string, mode: PrepareRequest['mode'], answer: KitAnswer): PrepareResult {
  const lines = answer.kind === 'ok' || answer.kind === 'refused' ? answer.lines : [];
  const checks = lines
    .filter((line) => line.t === 'check')
    .map((line) => ({
      id: oneLine(String(line['id'] ?? '')),
      ok: line['ok'] === true,
      detail: oneLine(String(line['detail'] ?? '')),
      hint: oneLine(String(line['hint'] ?? '')),
    }));
  const paths = lines
    .filter((line) => ['prepared', 'ejected'].includes(line.t))
    .map((line) => oneLine(String(line['path'] ?? '')));
  const common = { node, checks, paths };
  if (answer.kind === 'ok')
    return {
      ...common,
      ok: true,
      state: paths.length === 0 ? 'noop' : 'succeeded',
      message: done(mode, paths) + keptKit(lines),
    };
  const noRoot = answer.kind === 'refused' && answer.code === 'NO_SUDO' ? '; add --login root' : '';
  const outcome = answer.kind === 'refused' ? outcomeOfRefusal(answer) : outcomeOfSilence(answer, mode !== 'check');
  const reason = reasonOf(answer);
  return { ...common, ok: false, state: outcome.state, message: `${reason.message}${noRoot}`, why: reason.why };
}

/** A kit that can be upgraded is not written over: the way that can be taken back is named instead. */
function keptKit(lines: readonly KitLine[]): string {
  const kept = lines.find((line) => line.t === 'kept');
  return kept === undefined
    ? ''
    : `; its kit ${oneLine(String(kept['version'] ?? '?'), 64)} stays: edgectl rollout kit`;
}

function done(mode: PrepareRequest['mode'], paths: readonly string[]): string {
  if (mode === 'check') return 'can be prepared';
  if (paths.length === 0) return mode === 'undo' ? 'nothing of edgectl was there' : 'was prepared already';
  const number = `${paths.length} ${paths.length === 1 ? 'path' : 'paths'}`;
  return mode === 'undo' ? `${number} removed` : `${number} written`;
}
