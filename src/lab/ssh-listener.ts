import type { ChildProcess } from 'node:child_process';
import { timingSafeEqual } from 'node:crypto';
import type { Server as NetServer, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { AuthContext, Connection, ParsedKey, ServerChannel, Session } from 'ssh2';
import ssh2 from 'ssh2';
import { type PoorLink, overPoorLink } from './poor-link.js';
import { forwardSignal, serveExec } from './serve-exec.js';

/** What an SSH endpoint of a lab node needs. */
export interface SshListenerOptions {
  port: number;
  /** OpenSSH private key text. */
  hostKey: string;
  user: string;
  /** The one public key that may log in, `ssh-ed25519 AAAA…`. */
  clientKey: string;
  /** Start the process for a command line. */
  run: (command: string) => Promise<ChildProcess>;
}

/** The sshd of one lab node on 127.0.0.1. The SSH server is made at the first connection, so that a thousand idle nodes cost little. */
export class SshListener {
  readonly #options: SshListenerOptions;
  readonly #clientKey: ParsedKey;
  #hostKey: string;
  readonly #sockets = new Set<Socket>();
  #net: NetServer | undefined;
  #ssh: ssh2.Server | undefined;
  #hung = false;
  #link: PoorLink | undefined;
  /** Every how many answers one is lost; 0 for none. */
  #losing = 0;
  #commands = 0;

  constructor(options: SshListenerOptions) {
    this.#options = options;
    this.#hostKey = options.hostKey;
    this.#clientKey = parsePublicKey(options.clientKey);
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Begin to accept connections; rejects when the port is taken. */
  async open(): Promise<void> {
    if (this.#net) return;
    const net = createServer((socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      net.once('error', reject);
      net.listen({ port: this.#options.port, host: '127.0.0.1', backlog: 128 }, resolve);
    });
    net.on('error', () => undefined);
    this.#net = net;
  }

  /** Refuse connections from now on and cut those that are open, as when a cable is pulled. */
  async close(): Promise<void> {
    const net = this.#net;
    this.#net = undefined;
    this.#hung = false;
    this.cut();
    if (net) await new Promise<void>((resolve) => net.close(() => resolve()));
  }

  /** Cut every open connection without a goodbye. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  /** Like `kill -STOP` of sshd: connections are still accepted by the system, but nothing answers any more. */
  hang(): void {
    this.#hung = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** End a hang; what was accepted meanwhile is cut, as no client waits that long. */
  unhang(): void {
    if (!this.#hung) return;
    this.#hung = false;
    this.cut();
  }

  /** Carry new connections slowly, or as fast as they come. Those that are open are cut. */
  slow(link: PoorLink | undefined): void {
    this.#link = link;
    this.cut();
  }

  /** Lose the connection with every so many answers; 0 for none. */
  lose(every: number): void {
    this.#losing = every;
    this.#commands = 0;
  }

  /** Show another host key (OpenSSH private key text) from now on. */
  useHostKey(hostKey: string): void {
    this.#hostKey = hostKey;
    this.#ssh = undefined;
    this.cut();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.setNoDelay(true);
    if (this.#hung) socket.pause();
    else this.#server().injectSocket(this.#link === undefined ? socket : overPoorLink(socket, this.#link));
  }

  #server(): ssh2.Server {
    this.#ssh ??= new ssh2.Server({ hostKeys: [this.#hostKey], ident: 'edgectl-lab' }, (connection) =>
      this.#greet(connection),
    );
    return this.#ssh;
  }

  #greet(connection: Connection): void {
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => this.#authenticate(context));
    connection.on('session', (accept) => this.#serve(accept(), connection));
  }

  #authenticate(context: AuthContext): void {
    const ours = this.#clientKey.getPublicSSH();
    if (context.method !== 'publickey' || context.username !== this.#options.user) {
      context.reject(['publickey']);
      return;
    }
    const theirs = context.key.data;
    const known = theirs.length === ours.length && timingSafeEqual(theirs, ours);
    const signed =
      context.signature === undefined ||
      (context.blob !== undefined &&
        this.#clientKey.verify(context.blob, context.signature, context.hashAlgo) === true);
    if (known && signed) context.accept();
    else context.reject(['publickey']);
  }

  #serve(session: Session, connection: Connection): void {
    let child: ChildProcess | undefined;
    session.on('exec', (accept, _reject, info) => {
      // Accepted at once: a client may send standard input before the process is there, and the channel keeps it.
      const channel = accept();
      this.#commands += 1;
      const lost = this.#losing > 0 && this.#commands % this.#losing === 0;
      this.#options.run(info.command).then(
        (started) => {
          child = started;
          if (lost) started.once('exit', () => connection.end());
          serveExec(channel, started);
        },
        (error: unknown) => explain(channel, error),
      );
    });
    session.on('signal', (accept, _reject, info) => {
      if (child) forwardSignal(child, info.name);
      (accept as (() => void) | undefined)?.();
    });
  }
}

/** A command that was refused, with the exit status that says so. */
export class ExecRefused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

function explain(channel: ServerChannel, error: unknown): void {
  channel.on('error', () => undefined);
  const refused = error instanceof ExecRefused ? error : undefined;
  channel.stderr.write(
    refused ? refused.message : `edgectl lab: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  channel.exit(refused?.status ?? 125);
  channel.end();
}

function parsePublicKey(text: string): ParsedKey {
  const parsed = ssh2.utils.parseKey(text);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (!key || key instanceof Error) throw new TypeError('the lab client key cannot be read');
  return key;
}
