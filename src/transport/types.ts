/** Why a node could not be talked to. A value, never thrown: one node's failure is not the operator's error. */
export type TransportFailureKind =
  | 'dns' // name does not resolve
  | 'refused' // TCP connection refused
  | 'no-route' // EHOSTUNREACH, ENETUNREACH
  | 'connect-timeout' // no answer to SYN: a black hole
  | 'handshake-timeout' // TCP is up, SSH is not: a hung sshd
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'forward-refused' // a bastion forbids the way on (AllowTcpForwarding, PermitOpen)
  | 'auth' // every key rejected, or no key usable
  | 'closed' // the connection ended under us
  | 'command-timeout' // the remote command outlived its deadline
  | 'cancelled'; // our own signal

/** A failed connection or command, with what a person needs to tell it from its neighbours. */
export interface TransportFailure {
  ok: false;
  kind: TransportFailureKind;
  /** One line, free of control characters. */
  message: string;
  /** For host keys: pinned and offered fingerprints (`ED25519 SHA256:…`). */
  pinned?: readonly string[];
  offered?: string;
  /** Name of the bastion that failed, when it was not the node itself. */
  bastion?: string;
  /** True when a request's bytes may have reached the node. */
  sent: boolean;
}

/** One sshd to log in to, a node's or a bastion's. */
export interface Endpoint {
  /** The name that its host keys are pinned by: the node's id, or the bastion's name. */
  nodeId: string;
  host: string;
  /** TCP port. */
  port: number;
  user: string;
  /** Private key files, absolute paths, tried in order after the agent. */
  identityFiles: readonly string[];
  /** Path of an ssh-agent socket, when one may be used. */
  agent?: string;
}

/** A bastion on the way to nodes. */
export interface Hop extends Endpoint {
  /** Handshakes with nodes that go through it at once. Default 16. */
  handshakes?: number;
  /** Connections to nodes that it carries at once. Default 512: sshd has a file for each, and usually 1024 of them. */
  channels?: number;
}

/** Where and as whom to reach one node. */
export interface Target extends Endpoint {
  /** Bastions to go through, the one nearest to the operator first; absent or empty for a direct connection. */
  via?: readonly Hop[];
  /** A node that calls home: the path of its socket on the last bastion, instead of host and port. */
  socketPath?: string;
  /** `openssh` runs the ssh program. */
  transport?: 'ssh' | 'openssh';
}

/** One remote command. `argv` is quoted by the transport; nothing else builds remote command lines. */
export interface ExecRequest {
  argv: readonly string[];
  stdin?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Milliseconds until the command is given up. */
  timeoutMs: number;
  /** Bytes kept of each stream; more sets `truncated`, is thrown away and ends the command. Default 1 MiB. */
  maxOutput?: number;
  signal?: AbortSignal;
}

/** What a remote command did. */
export interface ExecSuccess {
  ok: true;
  /** Exit status; null when a signal ended it. */
  status: number | null;
  stdout: Buffer;
  stderr: Buffer;
  truncated: boolean;
}
export type ExecResult = ExecSuccess | TransportFailure;

/** An open connection to a node. */
export interface Session {
  readonly nodeId: string;
  exec(request: ExecRequest): Promise<ExecResult>;
  /** Interactive or streaming use is not offered here. Closing is idempotent. */
  close(): Promise<void>;
}
export type ConnectResult = { ok: true; session: Session } | TransportFailure;

export interface ConnectOptions {
  /** A new TCP connection to the node's sshd, host key checked again; never a pooled one. */
  fresh?: boolean;
  signal?: AbortSignal;
}

/** A way to reach nodes: ssh2, openssh, local, or a fake in tests. Connections are pooled per node. */
export interface Transport {
  connect(target: Target, options?: ConnectOptions): Promise<ConnectResult>;
  /** Ends every pooled connection. */
  close(): Promise<void>;
}
