import type { BundleStore } from '../bundle/types.js';
import type { ExecRequest, ExecResult, Target, Transport, TransportFailure } from '../transport/types.js';
import { oneLine } from '../util/escape.js';
import { isChanging, kitPath, notRun } from './command.js';
import { kitIdentity, outOfRange } from './protocol.js';
import type { KitAnswer, KitCall, KitCaller, KitUnknown } from './types.js';
import { Privileged, type RootRequest } from './privileged.js';
import type { SudoPassword } from './sudo.js';
import { encodeRequest, maxAnswer, parseAnswer } from './wire.js';

/** What the node client is made of. */
export interface NodeClientOptions {
  transport: Transport;
  /** Needed only for calls with a payload. */
  bundles?: Pick<BundleStore, 'read'>;
  /** Where and as whom to reach a node; throws NODE_NOT_FOUND. */
  target: (nodeId: string) => Target;
  /** The script behind the verb `prepare`, which is piped to a shell as root; needed only for that. */
  prepareScript?: (nodeId: string, fields: KitCall['fields']) => Promise<string>;
  /** For nodes where sudo asks for a password; they refuse (`SUDO_PASSWORD`) without it. */
  sudo?: SudoPassword;
}

/** How a script is run at first contact. */
export interface ScriptOptions {
  /** Run it as root: through sudo, unless the login is root. */
  sudo: boolean;
  /** Milliseconds. */
  timeoutMs: number;
  /** May it change the node? Decides what a lost answer means. */
  changing: boolean;
  signal?: AbortSignal;
}

/** The operator's side of the kit. Failures of a node are answers, never thrown. */
export interface NodeClient extends KitCaller {
  /** Pipe a script to `sh -s` on a node without a kit; it answers in the kit's line protocol. */
  runScript(nodeId: string, script: string, options: ScriptOptions): Promise<KitAnswer>;
  /** Run any command on a node. */
  exec(nodeId: string, request: ExecRequest): Promise<ExecResult>;
}

/** Make a node client over a transport. */
export function createNodeClient(options: NodeClientOptions): NodeClient {
  return new SshNodeClient(options);
}

class SshNodeClient implements NodeClient {
  // A map, not a search through ten thousand nodes at each call.
  readonly #targets = new Map<string, Target>();
  readonly #privileged: Privileged;

  constructor(private readonly options: NodeClientOptions) {
    this.#privileged = new Privileged(options.sudo);
  }

  async call(nodeId: string, call: KitCall, signal?: AbortSignal): Promise<KitAnswer> {
    if (call.verb === 'prepare') return this.#prepare(nodeId, call, signal);
    const target = this.#target(nodeId);
    const request = {
      argv: [kitPath, call.verb],
      input: () => this.#input(call),
      timeoutMs: call.timeoutMs,
      root: true,
    };
    return this.#ask(target, request, { changing: isChanging(call), fresh: call.fresh === true, signal });
  }

  async runScript(nodeId: string, script: string, options: ScriptOptions): Promise<KitAnswer> {
    const target = this.#target(nodeId);
    const input = (): Uint8Array => Buffer.from(script, 'utf8');
    const request = { argv: ['sh', '-s'], input, timeoutMs: options.timeoutMs, root: options.sudo };
    return this.#ask(target, request, { changing: options.changing, fresh: false, signal: options.signal });
  }

  async #prepare(nodeId: string, call: KitCall, signal?: AbortSignal): Promise<KitAnswer> {
    const { prepareScript } = this.options;
    if (prepareScript === undefined) throw new TypeError('This client does not prepare nodes.');
    const script = await prepareScript(nodeId, call.fields);
    const { timeoutMs } = call;
    const how = { sudo: true, timeoutMs, changing: isChanging(call), ...(signal === undefined ? {} : { signal }) };
    return this.runScript(nodeId, script, how);
  }

  exec(nodeId: string, request: ExecRequest): Promise<ExecResult> {
    return this.#exec(this.#target(nodeId), request, false);
  }

  async #ask(
    target: Target,
    request: RootRequest & { root: boolean },
    how: { changing: boolean; fresh: boolean; signal: AbortSignal | undefined },
  ): Promise<KitAnswer> {
    const bound = { maxOutput: maxAnswer, ...(how.signal === undefined ? {} : { signal: how.signal }) };
    const exec = (one: ExecRequest): Promise<ExecResult> => this.#exec(target, { ...one, ...bound }, how.fresh);
    const { argv, input, timeoutMs } = request;
    const result =
      request.root && target.user !== 'root'
        ? await this.#privileged.run(target, request, exec)
        : await exec({ argv, stdin: input(), timeoutMs });
    if (!('ok' in result)) return result;
    if (!result.ok) return unreachable(result, how.changing);
    const refused = notRun(result, target.user);
    if (refused !== undefined) return refused;
    const answer = result.truncated
      ? ({ valid: false, why: 'the answer is larger than 1 MiB' } as const)
      : parseAnswer(result.stdout);
    if (!answer.valid) {
      const said = oneLine(result.stderr.toString('utf8'), 200);
      const status = result.status === null ? 'ended by a signal' : `status ${result.status}`;
      const message = `${answer.why} (${status}${said === '' ? '' : `; ${said}`})`;
      return { kind: 'protocol', mayHaveActed: how.changing, message };
    }
    const kit = kitIdentity(answer.lines);
    const outside = kit === undefined ? undefined : outOfRange(kit);
    if (outside !== undefined) return { kind: 'refused', code: 'KIT_PROTOCOL', reason: outside, lines: answer.lines };
    if (!answer.ok && answer.code === 'PROTOCOL') this.#privileged.doubt(target, request);
    return answer.ok
      ? { kind: 'ok', lines: answer.lines }
      : { kind: 'refused', code: answer.code, reason: answer.reason, lines: answer.lines };
  }

  async #exec(target: Target, request: ExecRequest, fresh: boolean): Promise<ExecResult> {
    const signal = request.signal === undefined ? {} : { signal: request.signal };
    const connected = await this.options.transport.connect(target, { fresh, ...signal });
    if (!connected.ok) return connected;
    try {
      return await connected.session.exec(request);
    } finally {
      await connected.session.close();
    }
  }

  #input(call: KitCall): Uint8Array | AsyncIterable<Uint8Array> {
    const head = encodeRequest(call.fields);
    const { payload } = call;
    if (payload === undefined) return head;
    const { bundles } = this.options;
    if (bundles === undefined) throw new TypeError('A call with a payload needs a bundle store.');
    return (async function* () {
      yield head;
      yield* bundles.read(payload.bundle, payload.offset, payload.size);
    })();
  }

  #target(nodeId: string): Target {
    let target = this.#targets.get(nodeId);
    if (target === undefined) {
      target = this.options.target(nodeId);
      this.#targets.set(nodeId, target);
    }
    return target;
  }
}

function unreachable(failure: TransportFailure, changing: boolean): KitUnknown {
  return { kind: 'unreachable', mayHaveActed: changing && failure.sent, failure, message: failure.message };
}
