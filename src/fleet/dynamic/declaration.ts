import { parseDuration } from '../schema/scalars.js';

/** A program that prints nodes, as `nodes: { exec: … }` declares it. */
export interface DynamicSource {
  /** File of the repository that declares it. */
  file: string;
  argv: readonly [string, ...string[]];
  timeoutMs: number;
}

/** Milliseconds for a program that says nothing about it, and the most that it may ask for. */
const usualTimeoutMs = 30_000;
const longestTimeoutMs = 600_000;

/**
 * Takes `nodes: { exec: ARGV, timeout: 30s }` out of a file's value. Undefined when its nodes are an ordinary map (also one
 * with a node that is called exec); a text when the declaration is wrong.
 */
export function takeDynamic(
  file: string,
  value: unknown,
): { rest: unknown; source: DynamicSource } | string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { nodes } = value as { nodes?: unknown };
  if (typeof nodes !== 'object' || nodes === null || !('exec' in nodes)) return undefined;
  const { exec, timeout, ...others } = nodes as { exec: unknown; timeout?: unknown };
  const words = typeof exec === 'string' ? [exec] : exec;
  if (!Array.isArray(words)) return undefined;
  const [program, ...args] = words as unknown[];
  if (typeof program !== 'string' || program === '' || !args.every((word) => typeof word === 'string'))
    return 'nodes.exec: expected a program, or a list of a program and its arguments';
  const [other] = Object.keys(others);
  if (other !== undefined)
    return `nodes.${other}: beside exec only timeout may stand; put such nodes into nodes/NAME.yaml`;
  const timeoutMs = timeout === undefined ? usualTimeoutMs : parseDuration(String(timeout));
  if (timeoutMs === undefined || timeoutMs < 1 || timeoutMs > longestTimeoutMs)
    return `nodes.timeout: expected a duration up to 10m, found “${String(timeout)}”`;
  return {
    rest: { ...value, nodes: '' },
    source: { file, argv: [program, ...(args as string[])], timeoutMs },
  };
}
