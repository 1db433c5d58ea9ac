import type { TransportFailureKind } from '../transport/types.js';
import type { TxState } from '../node/types.js';
import type { NodeState, OutcomeKind, RunState } from './types.js';

/** What a state of a node means for the run that it is in. */
export interface NodeStateRow {
  state: NodeState;
  /** The written predicate. */
  meaning: string;
  /** Exit code that one such node contributes at the end of a run; `rules` of the run may replace it. */
  exit: number;
  /** Counted in a gate's denominator, and as what. */
  scored: 'success' | 'failure' | 'no';
  /** Nothing more is tried in this run without an explicit retry. */
  final: boolean;
  /** Holds its slot of the unavailability budget while it is so. */
  holdsBudget: boolean;
}

const node = (
  state: NodeState,
  exit: number,
  scored: NodeStateRow['scored'],
  final: boolean,
  holdsBudget: boolean,
  meaning: string,
): NodeStateRow => ({ state, exit, scored, final, holdsBudget, meaning });

/** Every node state, once. */
export const nodeStateTable: readonly NodeStateRow[] = [
  node('planned', 3, 'no', false, false, 'in the plan; nothing was asked of it yet'),
  node(
    'blocked',
    3,
    'no',
    false,
    false,
    'reachable, and not allowed to act now: a veto, another run’s lease, a window or a budget',
  ),
  node('offline', 3, 'no', false, false, 'could not be reached before its first changing call'),
  node('staged', 3, 'no', false, false, 'the new bundles lie verified in its store; nothing runs from them'),
  node('applying', 3, 'no', false, true, 'a transaction is open on it'),
  node(
    'in_doubt',
    3,
    'no',
    false,
    true,
    'it may have acted and its answer is missing; it is asked until the node deadline',
  ),
  node('soaking', 3, 'success', false, false, 'committed, and watched until the soak of its stage is over'),
  node('succeeded', 0, 'success', true, false, 'this run’s transaction is committed there'),
  node('noop', 0, 'no', true, false, 'it had what the plan wants before this run did anything'),
  node('failed', 1, 'failure', true, false, 'it reported a failure; what ran before still runs'),
  node(
    'refused',
    1,
    'no',
    true,
    false,
    'host key, authentication, signature or authority: one side does not trust the other',
  ),
  node('timed_out', 1, 'failure', false, true, 'in doubt when its deadline came; it is asked again on resume'),
  node('stale', 1, 'no', true, false, 'it has neither what the plan saw nor what the plan wants'),
  node('superseded', 0, 'no', true, false, 'a newer run owns these components of it'),
  node('rolled_back', 1, 'failure', true, false, 'it went back to what ran before, by itself or by us'),
  node('reverted_later', 1, 'failure', true, false, 'committed, and fell back by itself within 24 hours'),
  node('rollback_failed', 1, 'failure', true, true, 'what ran before is not healthy either: a person is needed'),
  node('skipped', 0, 'no', true, false, 'left out on purpose; `why` says by whom'),
  node('late', 3, 'no', false, false, 'it joined the fleet after the plan was made'),
  node('gone', 0, 'no', true, false, 'it has left the fleet'),
];

/** All node states, in the order of the table. */
export const nodeStates = nodeStateTable.map((row) => row.state) as [NodeState, ...NodeState[]];

const nodeRows = new Map(nodeStateTable.map((row) => [row.state, row]));

/** The row of a node state. */
export function nodeStateRow(state: NodeState): NodeStateRow {
  const row = nodeRows.get(state);
  if (row === undefined) throw new RangeError(`no such node state: ${state}`);
  return row;
}

/** Every run state with its predicate, first match wins from the top; `exit` is what the state itself contributes. */
export const runStateTable: readonly { state: RunState; exit: number; terminal: boolean; meaning: string }[] = [
  { state: 'running', exit: 0, terminal: false, meaning: 'a process holds the run’s lease and works on it' },
  {
    state: 'interrupted',
    exit: 130,
    terminal: false,
    meaning: 'a signal, a lost lease or a full disk stopped it; the journal says where (SIGTERM, SIGHUP: 143)',
  },
  { state: 'aborted', exit: 1, terminal: true, meaning: 'a person ended it, or a gate with `onFail: abort` (then 5)' },
  { state: 'rolled_back', exit: 7, terminal: true, meaning: 'a gate failed and the run put its nodes back' },
  {
    state: 'halted',
    exit: 5,
    terminal: false,
    meaning: 'a gate failed or could not be judged; too many stale nodes (then 8)',
  },
  { state: 'paused', exit: 6, terminal: false, meaning: 'a person paused it' },
  { state: 'waiting', exit: 6, terminal: false, meaning: 'an approval or a window is awaited' },
  {
    state: 'failed',
    exit: 1,
    terminal: true,
    meaning: 'every gate was passed or none was needed, and no node succeeded while some failed',
  },
  {
    state: 'succeeded_with_stragglers',
    exit: 0,
    terminal: false,
    meaning: 'every gate was passed, and some nodes are not where the plan wants them',
  },
  {
    state: 'succeeded',
    exit: 0,
    terminal: true,
    meaning: 'every node succeeded, had nothing to do, or was left out on purpose',
  },
];

/** Which exit code wins when several hold, strongest first (contract 9). */
export const exitPrecedence: readonly number[] = [130, 143, 9, 8, 5, 7, 1, 4, 6, 3, 2, 0];

/** The strongest of several exit codes; 0 when there are none. */
export function strongestExit(codes: Iterable<number>): number {
  const present = new Set(codes);
  return exitPrecedence.find((code) => present.has(code)) ?? 0;
}

/** What an observation on the wire comes to. */
export interface OutcomeRow {
  outcome: OutcomeKind;
  state: NodeState;
  /** May be tried again unasked, at most three attempts. */
  retryable?: true;
  meaning: string;
}
const to = (outcome: OutcomeKind, state: NodeState, meaning: string): OutcomeRow => ({ outcome, state, meaning });
const again = (outcome: OutcomeKind, state: NodeState, meaning: string): OutcomeRow => ({
  outcome,
  state,
  meaning,
  retryable: true,
});

/** Transaction states as `status`, `run` and `confirm` tell them. */
export const txTable: Readonly<Record<TxState, OutcomeRow>> = {
  BEGIN: to('ok', 'applying', 'recorded, nothing armed'),
  STAGED: to('ok', 'applying', 'bundles verified'),
  ARMED: to('ok', 'applying', 'the dead-man timer runs'),
  SNAP: to('ok', 'applying', 'class C: stopped, and its state is copied durably; the new version has not run'),
  TRIAL: to('ok', 'applying', 'switched; health is being watched'),
  HEALTHY: to('ok', 'applying', 'the health window is passed'),
  AWAIT: to('ok', 'applying', 'waits for the operator’s confirmation'),
  COMMIT: to('changed', 'succeeded', 'durable'),
  ABORT: to('failed', 'failed', 'ended before the switch'),
  REVERTING: to('ok', 'applying', 'goes back'),
  REVERTED: to('failed', 'rolled_back', 'what ran before runs again'),
  BROKEN: to('failed', 'rollback_failed', 'the old one is not healthy either'),
};

/** What `why` of an ABORT or REVERTED changes; a reason that is not here keeps the row of its state. */
export const whyTable: Readonly<Record<string, OutcomeRow>> = {
  deadline: again('failed', 'rolled_back', 'no confirmation came in time'),
  deadman: to('failed', 'failed', 'the dead-man timer could not be armed'),
  digest: to('failed', 'refused', 'a bundle does not have the digest of the slice'),
  power: again('failed', 'rolled_back', 'power was lost during the trial'),
  reboot: again('failed', 'rolled_back', 'the machine was rebooted during the trial'),
  'runner-died': again('failed', 'rolled_back', 'the transaction’s runner was killed'),
  signature: to('failed', 'refused', 'a signature is missing, wrong or by a key that is not allowed'),
  superseded: to('skipped', 'superseded', 'a newer slice was accepted'),
  veto: to('skipped', 'blocked', 'a local veto'),
};

/** Refusal codes of the kit and of the client that speaks to it. */
export const codeTable: Readonly<Record<string, OutcomeRow>> = {
  BAD_BUNDLE: to('failed', 'refused', 'the archive is not what its MANIFEST says'),
  BAD_MANIFEST: to('failed', 'refused', 'the manifest of a secret cannot be read'),
  BAD_NONCE: to('failed', 'failed', 'the confirmation does not fit this transaction'),
  BAD_PROOF: to('failed', 'refused', 'the slice is not a leaf of the signed root'),
  BAD_SIGNATURE: to('failed', 'refused', 'not signed, or by a key that is not allowed'),
  BAD_SLICE: to('failed', 'refused', 'the slice cannot be read or contradicts its statement'),
  BUSY: to('skipped', 'blocked', 'another transaction is open'),
  CLOSED: to('failed', 'failed', 'a secret does not open on this node; the reason says why'),
  DAMAGED: to('failed', 'failed', 'a stored bundle or record is damaged'),
  DENIED: to('failed', 'failed', 'this bundle failed its health here before'),
  DIGEST_MISMATCH: to('failed', 'refused', 'a bundle does not have the digest of the slice'),
  EXPIRED: to('failed', 'refused', 'the slice is past its expiry'),
  FENCED: to('skipped', 'blocked', 'another run took the lease meanwhile'),
  FLOOR: to('failed', 'refused', 'the counter in the TPM has passed what this generation may have'),
  HELD: to('skipped', 'blocked', 'another run holds the lease'),
  INTERNAL: to('failed', 'failed', 'the kit met a case that it does not know: a bug'),
  KIT_PROTOCOL: to('failed', 'refused', 'the kit and this edgectl have no version of the protocol in common'),
  NOT_AWAITING: to('unreachable', 'in_doubt', 'the transaction is not waiting: its state decides'),
  NOT_ENROLLED: to('failed', 'refused', 'the node was not told the keys for secrets'),
  NO_KIT: to('failed', 'refused', 'the node kit is not installed'),
  NO_RAM: to('failed', 'failed', 'there is no memory file system for opened secrets'),
  NO_SLICE: to('failed', 'refused', 'the node has accepted no slice of this run'),
  NO_SPACE: to('failed', 'failed', 'the disk is full'),
  NO_SUDO: to('failed', 'refused', 'sudo does not let the login run the kit'),
  NO_TOOLS: to('failed', 'failed', 'a program that secrets need is not installed on the node'),
  NO_TPM: to('failed', 'failed', 'the TPM is not there or cannot be reached'),
  OLD_GENERATION: to('failed', 'refused', 'a newer generation of the secret is there'),
  OLD_SERIES: to('failed', 'refused', 'a newer series is committed'),
  PREFLIGHT: to('failed', 'failed', 'a check before the switch failed; `reason` names it'),
  PROTOCOL: to('failed', 'failed', 'the kit did not understand the request'),
  READ_ONLY: to('failed', 'failed', 'the file system is read-only'),
  SUDO_PASSWORD: to('failed', 'refused', 'sudo asks for a password, and none was offered there'),
  SUDO_TTY: to('failed', 'refused', 'sudo wants a terminal (`requiretty`)'),
  SUDO_WRONG_PASSWORD: to('failed', 'refused', 'sudo says that the password is wrong; it was tried once'),
  SUPERSEDED: to('skipped', 'superseded', 'a newer run owns these components'),
  TPM_CONFIG: to('failed', 'failed', 'the node’s tpm.conf cannot be used'),
  TPM_FAILED: to('failed', 'failed', 'the TPM refused; its code is in the reason'),
  TPM_LOCKED: to('failed', 'failed', 'the TPM is locked out after failed attempts'),
  TPM_REFUSED: to('failed', 'refused', 'sealed to, or a challenge for, another TPM'),
  UNKNOWN_STEP: to('failed', 'failed', 'the node has no record of the step'),
  VETO: to('skipped', 'blocked', 'a local veto; `reason` is its line'),
  WRONG_ARCH: to('failed', 'failed', 'the bundle is for another architecture'),
  WRONG_FLEET: to('failed', 'refused', 'the slice is for another fleet'),
  WRONG_NODE: to('failed', 'refused', 'the slice is for another node'),
};

const lost = (meaning: string): { before: OutcomeRow; after: OutcomeRow } => ({
  before: to('unreachable', 'offline', meaning),
  after: to('unreachable', 'in_doubt', meaning),
});
const always = (row: OutcomeRow): { before: OutcomeRow; after: OutcomeRow } => ({ before: row, after: row });

/** Failures of the way to the node: before its first changing call, and after it. `garbled` is an answer outside the protocol. */
export const transportTable: Readonly<
  Record<TransportFailureKind | 'garbled', { before: OutcomeRow; after: OutcomeRow }>
> = {
  dns: lost('its name does not resolve'),
  refused: lost('the connection was refused'),
  'no-route': lost('there is no route to it'),
  'connect-timeout': lost('nothing answers: a black hole'),
  'handshake-timeout': lost('TCP is up and SSH is not: a hung sshd'),
  closed: lost('the connection ended under us'),
  'command-timeout': lost('the command outlived its deadline'),
  cancelled: {
    before: to('cancelled', 'planned', 'we stopped it'),
    after: to('cancelled', 'in_doubt', 'we stopped waiting'),
  },
  'host-key-unknown': always(to('failed', 'refused', 'its host key is not in the fleet’s known_hosts')),
  'host-key-changed': always(to('failed', 'refused', 'it offered another host key than the pinned one')),
  auth: always(to('failed', 'refused', 'it, or a bastion before it, rejected every key')),
  'forward-refused': always(to('failed', 'refused', 'a bastion forbids the way on to it')),
  garbled: {
    before: to('failed', 'failed', 'the answer is not the node protocol'),
    after: to('unreachable', 'in_doubt', 'the answer is not the node protocol'),
  },
};

/** What the executor itself concludes. */
export const verdictTable = {
  deadline: to('failed', 'timed_out', 'the node deadline came while it was in doubt or at work'),
  noop: to('ok', 'noop', 'it has what the plan wants'),
  stale: to('skipped', 'stale', 'it has neither what the plan saw nor what the plan wants'),
  superseded: to('skipped', 'superseded', 'a newer run committed there'),
  budget: to('skipped', 'blocked', 'failed nodes hold every slot of its site’s or region’s budget'),
  'offline-fail': to('failed', 'failed', 'unreachable, and the stage counts that as failed'),
  'offline-skip': to('skipped', 'skipped', 'unreachable, and the stage leaves such nodes out'),
  'reverted-later': to('failed', 'reverted_later', 'it fell back by itself after the commit'),
} as const satisfies Record<string, OutcomeRow>;
