import { createHash } from 'node:crypto';

/** What the planner knows of a node when it deals nodes to stages. */
export interface StageNode {
  id: string;
  site: string;
  region: string;
  arch: string;
  os: string;
  /** 0..1: how late this node wants to be updated. */
  wariness: number;
  labels?: Readonly<Record<string, string>>;
}

/** A number in [0, 1) that depends on the plan's seed and the node only, so that every resume finds the same canaries. */
export function cohort(seed: string, nodeId: string): number {
  return createHash('sha256').update(`${seed}\n${nodeId}`).digest().readUIntBE(0, 6) / 2 ** 48;
}

/** Place in the queue: the cohort, moved towards 1 by wariness; a node with wariness 1 is last. */
export function turn(seed: string, node: StageNode): number {
  return node.wariness + (1 - node.wariness) * cohort(seed, node.id);
}

/** Nodes by turn, ties by id. */
export function inTurn<T extends StageNode>(seed: string, nodes: readonly T[]): T[] {
  return nodes
    .map((node) => ({ node, turn: turn(seed, node) }))
    .sort((a, b) => a.turn - b.turn || (a.node.id < b.node.id ? -1 : 1))
    .map(({ node }) => node);
}

/** How many nodes have one site, architecture or system, and how many of them are taken. */
interface Share {
  total: number;
  taken: number;
}

interface Cell<T> {
  site: Share;
  arch: Share;
  os: Share;
  queue: T[];
  next: number;
  /** Place of the cell's next node in the whole queue. */
  place: number;
}

/** Shares by value. Cells hold on to them, so that comparing two cells looks nothing up. */
class Shares {
  private readonly byValue = new Map<string, Share>();

  of(value: string): Share {
    const known = this.byValue.get(value);
    if (known !== undefined) return known;
    const share = { total: 0, taken: 0 };
    this.byValue.set(value, share);
    return share;
  }
}

function fill(share: Share): number {
  return share.taken / share.total;
}

/** The wariness from which a node is a canary only when there are too few others. */
const reluctant = 0.5;

/**
 * Picks nodes whose mix of sites, architectures and operating systems is like the whole. Each pick prefers, in this order: a node that
 * is not reluctant, an architecture that is not yet there, an operating system that is not yet there, the site that is
 * least represented, the commonest kind first and then the least represented, the node whose turn comes first. So the
 * first canary is of the commonest kind, and the next ones cover what differs.
 */
export function pickSample<T extends StageNode>(seed: string, nodes: readonly T[], size: number): T[] {
  const queue = inTurn(seed, nodes);
  const willing = queue.filter((node) => node.wariness < reluctant);
  const wary = queue.filter((node) => node.wariness >= reluctant && node.wariness < 1);
  const last = queue.filter((node) => node.wariness >= 1);
  const picker = new SamplePicker<T>(nodes);
  return [willing, wary, last].reduce<T[]>(
    (picked, tier) => [...picked, ...picker.pick(tier, size - picked.length)],
    [],
  );
}

class SamplePicker<T extends StageNode> {
  private readonly sites = new Shares();
  private readonly archs = new Shares();
  private readonly systems = new Shares();
  private picked = 0;
  private places = new Map<string, number>();

  constructor(all: readonly T[]) {
    for (const node of all) {
      this.sites.of(node.site).total += 1;
      this.archs.of(node.arch).total += 1;
      this.systems.of(node.os).total += 1;
    }
  }

  /** Takes nodes of one tier, in addition to what was picked before. */
  pick(tier: readonly T[], size: number): T[] {
    if (size >= tier.length && this.picked > 0) return tier.map((node) => this.take(node));
    const cells = this.cells(tier);
    const result: T[] = [];
    while (result.length < size && cells.length > 0) {
      let best = 0;
      for (let index = 1; index < cells.length; index++) {
        if (this.before(cells[index] as Cell<T>, cells[best] as Cell<T>)) best = index;
      }
      const cell = cells[best] as Cell<T>;
      result.push(this.take(cell.queue[cell.next] as T));
      this.advance(cells, best);
    }
    return result;
  }

  private take(node: T): T {
    this.picked += 1;
    this.sites.of(node.site).taken += 1;
    this.archs.of(node.arch).taken += 1;
    this.systems.of(node.os).taken += 1;
    return node;
  }

  private cells(tier: readonly T[]): Cell<T>[] {
    const cells = new Map<string, Cell<T>>();
    this.places = new Map(tier.map((node, place) => [node.id, place]));
    tier.forEach((node, place) => {
      const key = JSON.stringify([node.site, node.arch, node.os]);
      const cell = cells.get(key);
      if (cell === undefined) {
        const shares = { site: this.sites.of(node.site), arch: this.archs.of(node.arch), os: this.systems.of(node.os) };
        cells.set(key, { ...shares, queue: [node], next: 0, place });
      } else cell.queue.push(node);
    });
    return [...cells.values()];
  }

  private advance(cells: Cell<T>[], index: number): void {
    const cell = cells[index] as Cell<T>;
    cell.next += 1;
    const node = cell.queue[cell.next];
    if (node === undefined) cells.splice(index, 1);
    else cell.place = this.places.get(node.id) ?? 0;
  }

  private before(a: Cell<T>, b: Cell<T>): boolean {
    const difference =
      Number(a.arch.taken > 0) - Number(b.arch.taken > 0) ||
      Number(a.os.taken > 0) - Number(b.os.taken > 0) ||
      fill(a.site) - fill(b.site) ||
      this.kind(a, b) ||
      a.place - b.place;
    return difference < 0;
  }

  private kind(a: Cell<T>, b: Cell<T>): number {
    if (this.picked === 0) return b.arch.total - a.arch.total || b.os.total - a.os.total;
    return fill(a.arch) - fill(b.arch) || fill(a.os) - fill(b.os);
  }
}
