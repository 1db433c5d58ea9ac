import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { ByteReader, ByteWriter } from './bytes.js';

/** That a node was seen at a time, and which of its sections: the id of their names. */
export interface Look {
  node: number;
  /** Seconds since the epoch. */
  at: number;
  mask: number;
}

/** Looks of one batch in one row: an unchanged sweep writes five bytes a node into it. */
export function packLooks(looks: readonly Look[]): { firstAt: number; lastAt: number; body: Uint8Array } {
  const times = looks.map(({ at }) => at);
  const firstAt = times.reduce((a, b) => Math.min(a, b), Infinity);
  const lastAt = times.reduce((a, b) => Math.max(a, b), 0);
  const out = new ByteWriter(undefined, looks.length * 6);
  let last = 0;
  for (const { node, at, mask } of [...looks].sort((a, b) => a.node - b.node)) {
    out
      .put(node - last)
      .put(at - firstAt)
      .put(mask);
    last = node;
  }
  return { firstAt, lastAt, body: deflateRawSync(out.done()) };
}

/** Calls back with each look of a row. */
export function readLooks(firstAt: number, body: Uint8Array, onLook: (look: Look) => void): void {
  const reader = new ByteReader(inflateRawSync(body));
  let node = 0;
  while (reader.more) {
    node += reader.take();
    onLook({ node, at: firstAt + reader.take(), mask: reader.take() });
  }
}
