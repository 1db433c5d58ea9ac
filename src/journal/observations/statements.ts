import type { CompiledQuery } from 'kysely';
import { EdgectlError } from '../../errors/error.js';
import type { Statement } from '../sqlite-worker.js';

/** Parts that one query may name in a list. */
export function* chunks<T>(items: readonly T[]): Generator<T[]> {
  for (let at = 0; at < items.length; at += 500) yield items.slice(at, at + 500);
}

/** A query as the database thread takes it. */
export function statement({ sql, parameters }: CompiledQuery): Statement {
  return { sql, parameters };
}

/** The store cannot be used. */
export function unusable(why: string): EdgectlError {
  return new EdgectlError('JOURNAL_FAILED', { message: `What was seen of nodes could not be kept or read: ${why}.` });
}
