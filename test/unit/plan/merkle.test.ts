import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { sha256Hex } from '../../../src/plan/digest.js';
import { MerkleTree, merkleProof, merkleRoot, rootOfProof } from '../../../src/plan/merkle.js';

const slicesOf = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, `node=n${index}\n`]));

describe('the tree over slices', () => {
  it('hashes as the protocol page says, written out by hand for three nodes', () => {
    const leaf = (text: string) => sha256Hex(`leaf\n${text}`);
    const [a, b, c] = ['a=1\n', 'b=1\n', 'c=1\n'].map(leaf) as [string, string, string];
    const ab = sha256Hex(`node\n${a}\n${b}\n`);
    const slices = { b: 'b=1\n', c: 'c=1\n', a: 'a=1\n' };
    expect(merkleRoot(slices)).toBe(sha256Hex(`node\n${ab}\n${c}\n`));
    expect(merkleProof(slices, 'c')).toBe(`L ${ab}\n`);
    expect(merkleProof(slices, 'a')).toBe(`R ${b}\nR ${c}\n`);
    expect(merkleProof({ only: 'x=1\n' }, 'only')).toBe('');
  });

  it('orders leaves by bytes, as sort does in the C locale', () => {
    const upper = merkleProof({ B: 'B=1\n', a: 'a=1\n' }, 'B');
    expect(upper).toMatch(/^R /);
  });

  it('proves every slice of a tree of any size, and no other text', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), (count, pick) => {
        const slices = slicesOf(count);
        const tree = new MerkleTree(slices);
        const id = `n${pick % count}`;
        expect(rootOfProof(slices[id] ?? '', tree.proof(id))).toBe(tree.root);
        expect(rootOfProof(`${slices[id]}emergency=1\n`, tree.proof(id))).not.toBe(tree.root);
      }),
      { numRuns: 60 },
    );
  });

  it('takes no inner node for a leaf', () => {
    const tree = new MerkleTree(slicesOf(2));
    const [left, right] = ['n0', 'n1'].map((id) => sha256Hex(`leaf\nnode=${id}\n`));
    expect(rootOfProof(`${left}\n${right}\n`, '')).not.toBe(tree.root);
  });

  it('refuses a malformed proof', () => {
    expect(rootOfProof('a=1\n', 'X 00\n')).toBeNull();
  });
});
