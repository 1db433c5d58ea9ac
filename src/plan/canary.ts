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

interface Cell<T> {
  site: string;
  arch: string;
  os: string;
  queue: T[];
  next: number;
  /** Place of the cell's next node in the whole queue. */
  place: number;
}

class Tally {
  private readonly total = new Map<string, number>();
  private readonly taken = new Map<string, number>();

  add(value: string): void {
    this.total.set(value, (this.total.get(value) ?? 0) + 1);
  }

  take(value: string): void {
    this.taken.set(value, this.of(value) + 1);
  }

  of(value: string): number {
    return this.taken.get(value) ?? 0;
  }

  /** Share of the value's own nodes that are taken: the smallest is the least represented. */
  fill(value: string): number {
    return this.of(value) / (this.total.get(value) ?? 1);
  }

  size(value: string): number {
    return this.total.get(value) ?? 0;
  }
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
  private readonly sites = new Tally();
  private readonly archs = new Tally();
  private readonly systems = new Tally();
  private picked = 0;
  private places = new Map<string, number>();

  constructor(all: readonly T[]) {
    for (const node of all) {
      this.sites.add(node.site);
      this.archs.add(node.arch);
      this.systems.add(node.os);
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
    this.sites.take(node.site);
    this.archs.take(node.arch);
    this.systems.take(node.os);
    return node;
  }

  private cells(tier: readonly T[]): Cell<T>[] {
    const cells = new Map<string, Cell<T>>();
    this.places = new Map(tier.map((node, place) => [node.id, place]));
    tier.forEach((node, place) => {
      const key = JSON.stringify([node.site, node.arch, node.os]);
      const cell = cells.get(key);
      if (cell === undefined)
        cells.set(key, { site: node.site, arch: node.arch, os: node.os, queue: [node], next: 0, place });
      else cell.queue.push(node);
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
      Number(this.archs.of(a.arch) > 0) - Number(this.archs.of(b.arch) > 0) ||
      Number(this.systems.of(a.os) > 0) - Number(this.systems.of(b.os) > 0) ||
      this.sites.fill(a.site) - this.sites.fill(b.site) ||
      this.kind(a, b) ||
      a.place - b.place;
    return difference < 0;
  }

  private kind(a: Cell<T>, b: Cell<T>): number {
    if (this.picked === 0) {
      return this.archs.size(b.arch) - this.archs.size(a.arch) || this.systems.size(b.os) - this.systems.size(a.os);
    }
    return this.archs.fill(a.arch) - this.archs.fill(b.arch) || this.systems.fill(a.os) - this.systems.fill(b.os);
  }
}
