import { sha256Hex } from './digest.js';
import { compareC } from './slice.js';

/** The leaf of a slice (docs/reference/node-protocol.md, section 3). */
export function merkleLeaf(slice: string): string {
  return sha256Hex(`leaf\n${slice}`);
}

/** An inner node over two hashes in lower-case hex. */
export function merkleInner(left: string, right: string): string {
  return sha256Hex(`node\n${left}\n${right}\n`);
}

/** All slices of a plan as one tree: hash once, prove often. */
export class MerkleTree {
  readonly root: string;
  readonly #levels: string[][];
  readonly #position: ReadonlyMap<string, number>;

  /** `slices` is slice text by node id; leaves are ordered by node id in C order. At least one slice is needed. */
  constructor(slices: Readonly<Record<string, string>>) {
    const ids = Object.keys(slices).sort(compareC);
    if (ids.length === 0) throw new RangeError('a tree needs at least one slice');
    this.#position = new Map(ids.map((id, index) => [id, index]));
    this.#levels = [ids.map((id) => merkleLeaf(slices[id] ?? ''))];
    while (this.#top().length > 1) this.#levels.push(levelAbove(this.#top()));
    this.root = this.#top()[0] ?? '';
  }

  /** The proof of one node's slice: lines `L <hex>` or `R <hex>` from the leaf upwards, each ended by a line break; empty for a tree of one. */
  proof(nodeId: string): string {
    let index = this.#position.get(nodeId);
    if (index === undefined) throw new RangeError(`no slice for ${nodeId}`);
    let text = '';
    for (const level of this.#levels.slice(0, -1)) {
      const sibling = level[index ^ 1];
      if (sibling !== undefined) text += `${index % 2 === 0 ? 'R' : 'L'} ${sibling}\n`;
      index >>= 1;
    }
    return text;
  }

  #top(): string[] {
    return this.#levels[this.#levels.length - 1] ?? [];
  }
}

function levelAbove(level: readonly string[]): string[] {
  const above: string[] = [];
  for (let index = 0; index < level.length; index += 2) {
    const left = level[index] ?? '';
    const right = level[index + 1];
    above.push(right === undefined ? left : merkleInner(left, right));
  }
  return above;
}

/** The root over slices by node id; see {@link MerkleTree} when proofs are needed too. */
export function merkleRoot(slices: Readonly<Record<string, string>>): string {
  return new MerkleTree(slices).root;
}

/** The proof of one node's slice; for many nodes make one {@link MerkleTree}. */
export function merkleProof(slices: Readonly<Record<string, string>>, nodeId: string): string {
  return new MerkleTree(slices).proof(nodeId);
}

/** The root that a leaf and its proof lead to; null when the proof is malformed. */
export function rootOfProof(slice: string, proof: string): string | null {
  let hash = merkleLeaf(slice);
  for (const line of proof.split('\n').filter((text) => text !== '')) {
    const match = /^([LR]) ([0-9a-f]{64})$/.exec(line);
    if (match === null) return null;
    const sibling = match[2] ?? '';
    hash = match[1] === 'L' ? merkleInner(sibling, hash) : merkleInner(hash, sibling);
  }
  return hash;
}
