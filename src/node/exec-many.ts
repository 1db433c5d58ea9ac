import type { ExecResult } from '../transport/types.js';
import { escapeForTerminal } from '../util/escape.js';
import { mapLimit } from '../util/map-limit.js';
import type { NodeClient } from './client.js';
import { verdictOnFailure, type NodeVerdict } from './exit-code.js';

/** What a command did on one node; its output is safe to print, line breaks kept. */
export interface NodeExec {
  node: string;
  verdict: NodeVerdict;
  /** Exit status; null when a signal ended it or it never ran. */
  status: number | null;
  stdout: string;
  stderr: string;
  /** Output was cut at its bound, and the command was ended for it. */
  truncated: boolean;
  /** Why there is no result. */
  why?: string;
  message?: string;
}

/** How a command is run on many nodes. */
export interface ExecManyOptions {
  timeoutMs: number;
  /** Bytes of output kept of each stream and node. */
  maxOutput: number;
  concurrency?: number;
  signal?: AbortSignal;
}

/** Run one argv on many nodes, in the order given. Never throws for a node's failure. */
export function execMany(
  client: Pick<NodeClient, 'exec'>,
  nodes: readonly string[],
  argv: readonly string[],
  options: ExecManyOptions,
): Promise<NodeExec[]> {
  const { timeoutMs, maxOutput, signal } = options;
  return mapLimit(nodes, options.concurrency ?? 256, async (node) => {
    const request = { argv, timeoutMs, maxOutput, ...(signal === undefined ? {} : { signal }) };
    return nodeExec(node, await client.exec(node, request));
  });
}

function nodeExec(node: string, result: ExecResult): NodeExec {
  if (!result.ok) {
    const verdict = verdictOnFailure(result);
    return {
      node,
      verdict,
      status: null,
      stdout: '',
      stderr: '',
      truncated: false,
      why: result.kind,
      message: result.message,
    };
  }
  const { status, truncated } = result;
  const text = (bytes: Buffer): string => escapeForTerminal(bytes.toString('utf8'), { keepNewlines: true });
  const verdict = status === 0 && !truncated ? 'ok' : 'failed';
  return { node, verdict, status, stdout: text(result.stdout), stderr: text(result.stderr), truncated };
}
