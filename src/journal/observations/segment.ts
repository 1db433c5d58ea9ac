import { ByteReader, ByteWriter } from './bytes.js';

/*
 * A segment is a stretch of one node's history: everything that held when it begins, then every change. So what held at any time is
 * read from one segment, and old segments can be thrown away whole.
 *
 *   count, then by rising attribute: attribute (difference), code, since (difference to the one before, signed; the first to the beginning)
 *   then for each time at which something changed: seconds since the one before, count, then attribute (difference), code
 *
 * A code is 0 for an attribute that is gone, odd for a number (n * 2 + 1), even for an interned text (id * 2).
 */

/** What holds of a node at some time: codes and since when, by attribute id. Made once and filled again for each node. */
export class NodeState {
  /** Attributes that were touched; one that is gone has code 0. */
  readonly ids: number[] = [];
  readonly #codes: number[] = [];
  readonly #since: number[] = [];
  readonly #known: boolean[] = [];

  clear(): void {
    for (const id of this.ids) {
      this.#codes[id] = 0;
      this.#known[id] = false;
    }
    this.ids.length = 0;
  }

  set(id: number, code: number, since: number): void {
    if (this.#known[id] !== true) {
      this.#known[id] = true;
      this.ids.push(id);
    }
    this.#codes[id] = code;
    this.#since[id] = since;
  }

  /** 0 when it is not there. */
  code(id: number): number {
    return this.#codes[id] ?? 0;
  }

  /** Seconds since the epoch. */
  since(id: number): number {
    return this.#since[id] ?? 0;
  }
}

/** One change: what an attribute became. */
export interface Change {
  id: number;
  code: number;
}

/** A segment that begins at a time with what holds then. */
export function beginSegment(state: NodeState, firstAt: number): Uint8Array {
  const ids = state.ids.filter((id) => state.code(id) !== 0).sort((a, b) => a - b);
  const out = new ByteWriter(undefined, ids.length * 6 + 16);
  out.put(ids.length);
  let [lastId, lastSince] = [0, firstAt];
  for (const id of ids) {
    const since = state.since(id);
    out
      .put(id - lastId)
      .put(state.code(id))
      .putSigned(lastSince - since);
    [lastId, lastSince] = [id, since];
  }
  return out.done();
}

/** The segment with the changes of one time at its end; `changes` has an attribute once, in any order. */
export function appendChanges(body: Uint8Array, lastAt: number, at: number, changes: readonly Change[]): Uint8Array {
  const out = new ByteWriter(body, changes.length * 6 + 16);
  out.put(at - lastAt).put(changes.length);
  let lastId = 0;
  for (const { id, code } of [...changes].sort((a, b) => a.id - b.id)) {
    out.put(id - lastId).put(code);
    lastId = id;
  }
  return out.done();
}

/** Read a segment up to a time into `state`, which must be clear. `onChange` sees each change, oldest first. */
export function readSegment(
  state: NodeState,
  body: Uint8Array,
  firstAt: number,
  until = Infinity,
  onChange?: (at: number, id: number, code: number) => void,
): void {
  const reader = new ByteReader(body);
  let [id, since] = [0, firstAt];
  for (let left = reader.take(); left > 0; left -= 1) {
    id += reader.take();
    const code = reader.take();
    since -= reader.takeSigned();
    state.set(id, code, since);
  }
  let at = firstAt;
  while (reader.more) {
    at += reader.take();
    if (at > until) return;
    id = 0;
    for (let left = reader.take(); left > 0; left -= 1) {
      id += reader.take();
      const code = reader.take();
      state.set(id, code, at);
      onChange?.(at, id, code);
    }
  }
}
