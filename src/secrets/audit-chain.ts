import { createHash } from 'node:crypto';

/** How far an audit file was seen before. */
export interface SeenChain {
  lines: number;
  /** SHA-256 of the last line, hex; empty for none. */
  head: string;
}

/** An audit file as it reads now. */
export interface ReadChain extends SeenChain {
  /** Why it is not the file that was seen before, or no chain at all. */
  fault?: string;
}

/** Follows the chain of a node's audit file: each line names the digest of the one before, and what was seen before still stands. */
export function followChain(lines: readonly string[], seen: SeenChain = { lines: 0, head: '' }): ReadChain {
  let head = '';
  const fault = (text: string): ReadChain => ({ lines: lines.length, head, fault: text });
  if (lines.length < seen.lines) return fault(`it has ${lines.length} lines and had ${seen.lines}`);
  for (const [index, line] of lines.entries()) {
    if (prevOf(line) !== (head === '' ? 'none' : head))
      return fault(`line ${index + 1} does not follow the one before it`);
    head = createHash('sha256').update(line).digest('hex');
    if (index + 1 === seen.lines && head !== seen.head) return fault(`line ${index + 1} was another one before`);
  }
  return { lines: lines.length, head };
}

function prevOf(line: string): string | undefined {
  try {
    const { prev } = JSON.parse(line) as { prev?: unknown };
    return typeof prev === 'string' ? prev : undefined;
  } catch {
    return undefined;
  }
}
