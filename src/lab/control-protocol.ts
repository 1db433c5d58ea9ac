import { z } from 'zod';

/** Ways in which a lab node can be broken. */
export const breakModes = [
  'offline',
  'hang',
  'slow',
  'flaky',
  'full-disk',
  'read-only',
  'bad-runtime',
  'power-cut',
  'host-key-change',
  'clock-skew',
  'flood',
  'liar',
] as const;
/** One of {@link breakModes}. */
export type BreakMode = (typeof breakModes)[number];

/** How a node of the lab is. */
export interface LabNodeStatus {
  id: string;
  address: string;
  port: number;
  /** Its init runs (nodes of large labs boot at first contact). */
  booted: boolean;
  broken: Exclude<BreakMode, 'power-cut'>[];
  powerCuts: number;
  /** Null for a machine, whose sshd is its own. */
  connections: number | null;
}

/** What the daemon says of itself. */
export interface LabDaemonStatus {
  pid: number;
  /** Bytes. */
  rss: number;
  /** Seconds. */
  up: number;
  nodes: LabNodeStatus[];
}

const node = z.string().min(1);
/** A request of the control socket: one JSON object a line, answered by one line. */
export const controlRequest = z.discriminatedUnion('op', [
  z.object({ op: z.literal('status') }),
  z.object({ op: z.literal('break'), node, how: z.enum(breakModes) }),
  z.object({ op: z.literal('heal'), node }),
  z.object({ op: z.literal('boot'), node }),
  z.object({ op: z.literal('shutdown') }),
]);
/** A parsed request. */
export type ControlRequest = z.infer<typeof controlRequest>;

/** An answer: `result` by request, or why not. */
export type ControlAnswer =
  { ok: true; result: unknown } | { ok: false; code: 'NODE_NOT_FOUND' | 'INTERNAL' | 'USAGE'; message: string };

/** Longest line that either side reads, in bytes: the status of ten thousand nodes fits. */
export const maxControlLine = 8 * 1024 * 1024;
