import { mkdtempSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabInit } from '../../src/lab/init/lab-init.js';
import { buildKit } from '../../src/node/kit-build.js';
import { prepareScript } from '../../src/node/prepare-script.js';
import type { GenerationLine, KitLine, TxLine, TxState } from '../../src/node/types.js';
import type { KitAuthority, KitBundle } from './kit-signer.js';
import { KitSigner, put, sha256 } from './kit-signer.js';
import { until } from './until.js';

/*
 * A sandbox node with the real kit, prepared by the real script, under the shell of one's choice:
 *
 *   const node = await createSandboxNode({ shell: 'busybox' });
 *   const answer = await node.call('hello');                 // {ok, code, reason, lines, status, stderr}
 *   const bundle = node.runtime('2.0');                      // a signed bundle of a small daemon
 *   const step = await node.start(node.update([bundle]), [bundle]);   // lease, slice, stage, run
 *   await node.reach(step, 'AWAIT');
 *   await node.confirm(step);
 *   await node.close();
 */

/** Shells that the kit must run under; `busybox` has busybox's own programs only. */
export type KitShell = 'dash' | 'bash' | 'busybox';

/** What a kit answered. */
export interface Answer {
  ok: boolean;
  code: string;
  reason: string;
  lines: KitLine[];
  /** Exit status; null when a signal ended it. */
  status: number | null;
  stdout: string;
  stderr: string;
}

/** A step that was started. */
export interface Started {
  run: string;
  step: string;
  nonce: string;
  token: string;
  answer: Answer;
}

/** Options of {@link createSandboxNode}. */
export interface SandboxOptions {
  shell?: KitShell;
  lab?: boolean;
  node?: string;
  signer?: KitSigner;
  /** Where its root is made; a new temporary directory when absent. */
  base?: string;
  /** Do not bring a distribution's runtime. */
  bare?: boolean;
}

const shells: Record<KitShell, string> = { dash: '/bin/dash', bash: '/bin/bash', busybox: '/bin/busybox sh' };
const kitPath = 'usr/local/sbin/edgectl-node';

/** Make, prepare and boot a node. */
export async function createSandboxNode(options: SandboxOptions = {}): Promise<SandboxNode> {
  const base = options.base ?? mkdtempSync(join(tmpdir(), 'kit-'));
  const node = new SandboxNode(base, options);
  await node.prepare();
  return node;
}

/** A node of the tests. */
export class SandboxNode {
  readonly root: string;
  readonly id: string;
  readonly signer: KitSigner;
  readonly init: LabInit;
  readonly #options: SandboxOptions;
  #seq = 0;
  #held: { run: string; token: string } | undefined;

  constructor(
    readonly base: string,
    options: SandboxOptions,
  ) {
    this.root = join(base, 'root');
    this.id = options.node ?? 'edge-001';
    this.#options = options;
    this.signer = options.signer ?? new KitSigner(join(base, 'keys'));
    this.init = new LabInit({ root: this.root });
  }

  /** Path below the node's root. */
  path(rel: string): string {
    return join(this.root, rel);
  }

  /** Text of a file below the root; empty when it is not there. */
  text(rel: string): string {
    try {
      return readFileSync(this.path(rel), 'utf8');
    } catch {
      return '';
    }
  }

  /** Install the distribution's runtime and the kit, and boot. */
  async prepare(): Promise<void> {
    mkdirSync(this.path('var/lib'), { recursive: true });
    if (this.#options.bare !== true) {
      put(this.path('usr/bin/toy'), toyScript('1.0'), 0o755);
      put(
        this.path('etc/lab-init/units/toy.service.unit'),
        'exec=$ROOT/usr/bin/toy serve\nenabled=1\nrestart=always\nkill=process\n',
      );
    }
    const answer = await this.script(await this.prepareText('install'));
    if (!answer.ok) throw new Error(`prepare: ${answer.code} ${answer.reason} ${answer.stderr}`);
    if (this.#options.shell === 'busybox') this.onlyBusybox();
    await this.init.boot();
  }

  /** The script of first contact for this node. */
  async prepareText(mode: 'install' | 'check' | 'undo'): Promise<string> {
    const kit = await buildKit({
      init: 'sandbox',
      lab: this.#options.lab !== false,
      version: '0.1.0',
      builtAt: 1_700_000_000,
      shell: shells[this.#options.shell ?? 'dash'],
    });
    return prepareScript({
      mode,
      init: 'sandbox',
      kit,
      node: this.id,
      fleet: this.signer.fleet,
      allowedSigners: this.signer.allowedSigners,
      prefix: this.root,
    });
  }

  /** Pipe a script to `sh -s` under the node's shell. */
  async script(text: string): Promise<Answer> {
    return this.exec([...shells[this.#options.shell ?? 'dash'].split(' '), '-s'], Buffer.from(text));
  }

  /** A switch of the crash tests (`nosync`, `nodeadman`, `nonatomic`), or a failpoint `<number> <mode>`. */
  lab(name: string, text = ''): void {
    put(this.path(`etc/edgectl/lab/${name}`), text === '' ? '' : `${text}\n`);
  }

  /** One request. */
  async call(verb: string, fields: Record<string, string | number> = {}, payload?: Buffer): Promise<Answer> {
    const head = Object.entries(fields).map(([key, value]) => `${key}=${encodeValue(String(value))}\n`);
    return this.exec(
      [this.path(kitPath), verb],
      Buffer.concat([Buffer.from(`${head.join('')}.\n`), payload ?? Buffer.alloc(0)]),
    );
  }

  /** Run something of the node and read its answer. */
  async exec(argv: readonly string[], input: Buffer): Promise<Answer> {
    const child = this.init.spawn(argv);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin?.end(input);
    const status = await new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
    return parse(Buffer.concat(out).toString('utf8'), Buffer.concat(err).toString('utf8'), status);
  }

  /** Take the lease of a run, giving back the one that was taken here before; the token. */
  async lease(run: string, fields: Record<string, string | number> = {}): Promise<string> {
    if (this.#held && this.#held.run !== run) await this.call('lease', { op: 'release', ...this.#held });
    const answer = await this.call('lease', { op: 'take', run, owner: 'op', host: 'laptop', ttl: 600, ...fields });
    if (!answer.ok) throw new Error(`lease: ${answer.code} ${answer.reason}`);
    const token = String(answer.lines[0]?.['token']);
    this.#held = { run, token };
    return token;
  }

  /** Send a slice. */
  async slice(token: string, authority: KitAuthority): Promise<Answer> {
    return this.call('stage', { op: 'slice', token, ...authority });
  }

  /** Offer, put, finish; the last answer, or the first that said no. */
  async stage(token: string, run: string, bundle: KitBundle): Promise<Answer> {
    const offer = await this.call('stage', { op: 'offer', token, run, component: bundle.component });
    if (!offer.ok) return offer;
    const line = offer.lines[0];
    if (line?.['have'] === true) return offer;
    const rest = bundle.bytes.subarray(Number(line?.['offset'] ?? 0));
    const sent = await this.call(
      'stage',
      { op: 'put', token, run, component: bundle.component, offset: Number(line?.['offset']), size: rest.length },
      rest,
    );
    if (!sent.ok) return sent;
    return this.finish(token, run, bundle);
  }

  /** Finish what was put. */
  async finish(token: string, run: string, bundle: KitBundle): Promise<Answer> {
    return this.call('stage', {
      op: 'finish',
      token,
      run,
      component: bundle.component,
      statement: bundle.statement,
      signature: bundle.signature,
    });
  }

  /** A signed slice that wants these bundles here. */
  update(bundles: readonly KitBundle[], values: Record<string, string | number> = {}): KitAuthority {
    const run = String(values['run'] ?? `run-${randomBytes(6).toString('hex')}`);
    const wants = Object.fromEntries(
      bundles.map((bundle) => [`want.${bundle.component}`, `${bundle.version} ${bundle.digest}`]),
    );
    return this.signer.authority(this.id, run, { ...wants, ...values });
  }

  /** Lease, slice, bundles, adoption: everything before `run`. The token. */
  async ready(authority: KitAuthority, bundles: readonly KitBundle[]): Promise<string> {
    const token = await this.lease(authority.run);
    must(await this.slice(token, authority));
    for (const bundle of bundles) must(await this.stage(token, authority.run, bundle));
    must(await this.call('adopt', { run: authority.run, token }));
    return token;
  }

  /** Everything up to and with `run`. */
  async start(authority: KitAuthority, bundles: readonly KitBundle[]): Promise<Started> {
    return this.begin(authority.run, await this.ready(authority, bundles));
  }

  /** Only `run`. */
  async begin(run: string, token: string, attempt = 1, seq = ++this.#seq): Promise<Started> {
    const nonce = randomBytes(16).toString('hex');
    const step = `${run}/${this.id}/${seq}/${attempt}`;
    const answer = await this.call('run', { run, step, token, nonce_sha256: sha256(nonce) });
    return { run, step, nonce, token, answer };
  }

  /** The node's record of a step. */
  async tx(started: Pick<Started, 'run' | 'step'>): Promise<TxLine | undefined> {
    const answer = await this.call('status', { run: started.run, step: started.step });
    return answer.lines.find((line) => line.t === 'tx') as TxLine | undefined;
  }

  /** Wait until a step is in a state; fails when it ends in another one. */
  async reach(started: Pick<Started, 'run' | 'step'>, ...states: TxState[]): Promise<TxLine> {
    const { run, step } = started;
    const settled = ['COMMIT', 'ABORT', 'REVERTED', 'BROKEN'];
    let last: TxLine | undefined;
    const see = async (): Promise<TxLine | undefined> => {
      const answer = await this.call('status', { run, step, since: last?.state ?? '', wait: 5 });
      return (last = (answer.lines.find((line) => line.t === 'tx') as TxLine | undefined) ?? last);
    };
    const over = (tx?: TxLine): boolean =>
      tx !== undefined && (states.includes(tx.state) || settled.includes(tx.state));
    await until(`${step} is ${states.join(' or ')}, or settled`, see, { within: 100_000, good: over });
    if (last && states.includes(last.state)) return last;
    throw new Error(
      `${started.step} is ${last?.state} (${last?.why}), not ${states.join(' or ')}: ${last?.health} ${last?.log}`,
    );
  }

  /** Confirm a step. */
  async confirm(started: Started): Promise<Answer> {
    return this.call('confirm', { run: started.run, step: started.step, token: started.token, nonce: started.nonce });
  }

  /** A whole update that must succeed. */
  async carryOut(bundle: KitBundle): Promise<Started> {
    const started = await this.start(this.update([bundle]), [bundle]);
    await this.reach(started, 'AWAIT');
    must(await this.confirm(started));
    return started;
  }

  /** What is committed and active. */
  async generation(): Promise<GenerationLine> {
    const answer = await this.call('status');
    const line = answer.lines.find((one) => one.t === 'generation');
    if (!line) throw new Error(`no generation: ${answer.stdout} ${answer.stderr}`);
    return line as GenerationLine;
  }

  /** A signed bundle of the toy runtime: a daemon that prints its version, and a probe. */
  runtime(version: string, change: { daemon?: string; driver?: string; component?: string } = {}): KitBundle {
    const dir = mkdtempSync(join(this.base, 'src-'));
    const component = change.component ?? 'toy';
    put(join(dir, 'files', 'bin', component), change.daemon ?? toyScript(version), 0o755);
    symlinkSync(component, join(dir, 'files', 'bin', `${component}-alias`));
    put(join(dir, 'driver'), change.driver ?? toyDriver);
    return this.signer.bundle(dir, component, version);
  }

  /** Which version's daemon runs, by its own word. */
  running(): string {
    return this.text('run/toy.version').trim();
  }

  /** End the node and remove it. */
  async close(): Promise<void> {
    await this.init.powerCut();
    rmSync(this.base, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Nothing on the PATH but busybox's applets and ssh-keygen. */
  onlyBusybox(): void {
    const bin = join(this.base, 'busybox');
    mkdirSync(bin, { recursive: true });
    for (const applet of busyboxApplets) symlinkSync('/bin/busybox', join(bin, applet));
    symlinkSync('/usr/bin/ssh-keygen', join(bin, 'ssh-keygen'));
    this.lab('path', bin);
  }
}

const busyboxApplets =
  'awk basename cat chmod cmp cp cut date dd df dirname du echo env false find grep gunzip gzip head id kill ln ls mkdir mv od printf ps readlink rm rmdir sed sh sha256sum sleep sort stat sync tail tar test timeout touch tr true truncate uname uniq wc xargs'.split(
    ' ',
  );

/** The driver of the toy runtime. */
export const toyDriver = `adopt.1=/usr/bin/toy bin/toy
class=B
component=toy
link.1=/usr/local/bin/toy bin/toy
probe.1=$ACTIVE/toy/files/bin/toy ping
service=toy.service
service.exec=$ACTIVE/toy/files/bin/toy serve
service.kill-mode=process
start-timeout=3
version-probe=$ACTIVE/toy/files/bin/toy --version
`;

/** A small daemon: `serve` writes its version and waits; `ping` says whether that version runs. `extra` runs in `serve`. */
export function toyScript(version: string, extra = ''): string {
  return `#!/bin/sh
case $0 in
*/run/edgectl/*) root=\${0%/run/edgectl/*} ;;
*/usr/bin/toy) root=\${0%/usr/bin/toy} ;;
*) root= ;;
esac
case \${1-} in
--version) echo 'toy ${version}' ;;
ping) [ "$(cat "$root/run/toy.version")" = '${version}' ] && echo 'toy ${version} serves' ;;
serve)
  ${extra}
  echo '${version}' >"$root/run/toy.version"
  sleep 3600 3>&- ;;
esac
`;
}

/** Percent-encoding of the wire. */
export function encodeValue(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) =>
      /[A-Za-z0-9._~/:@,+ -]/.test(String.fromCharCode(byte))
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`,
    )
    .join('');
}

/** Fails with the kit's words when it said no. */
export function must(answer: Answer): Answer {
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.reason}\n${answer.stdout}${answer.stderr}`);
  return answer;
}

function parse(stdout: string, stderr: string, status: number | null): Answer {
  const lines: KitLine[] = [];
  let bad = '';
  for (const line of stdout.split('\n').filter((one) => one !== '')) {
    try {
      lines.push(JSON.parse(line) as KitLine);
    } catch {
      bad = line;
    }
  }
  const end = lines.at(-1)?.t === 'end' ? lines.pop() : undefined;
  if (!end || bad !== '') return { ok: false, code: 'NO_ANSWER', reason: bad, lines, status, stdout, stderr };
  return {
    ok: end['ok'] === true,
    code: String(end['code'] ?? ''),
    reason: String(end['reason'] ?? ''),
    lines,
    status,
    stdout,
    stderr,
  };
}

/** Write a veto. */
export function veto(node: SandboxNode, name: string, script: string): void {
  put(node.path(`etc/edgectl/inhibit.d/${name}`), `#!/bin/sh\n${script}\n`, 0o755);
}
