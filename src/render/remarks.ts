import type { RunView } from './run-view.js';
import { duration } from './units.js';

/** Nodes that came through, but not as the others did. */
export interface Remark {
  /** `slow`: took far longer than the others. `unsteady`: lost its connection on the way. `again`: did not come through at once. */
  code: 'slow' | 'unsteady' | 'again';
  nodes: string[];
  message: string;
  /** The command that says more. */
  next: string;
}

/** Fewer nodes than this have no usual time. */
const leastToCompare = 4;
/** What is called slow: so many times the median, and so much longer. */
const slowFactor = 3;
const slowMs = 10_000;

/** What is worth a look in a run although it went well. */
export function remarksOn(view: RunView): Remark[] {
  const done = [...view.nodes.values()].filter(({ state }) => state === 'succeeded');
  const times = done.map(({ began, since }) => since - began).sort((a, b) => a - b);
  const median = times[Math.floor((times.length - 1) / 2)] ?? 0;
  const remarks: Remark[] = [];
  const slow = done.filter(({ began, since }) => since - began > Math.max(slowFactor * median, median + slowMs));
  const [first] = slow;
  if (first !== undefined && times.length >= leastToCompare) {
    const longest = Math.max(...slow.map(({ began, since }) => since - began));
    remarks.push({
      code: 'slow',
      nodes: slow.map(({ id }) => id).sort(),
      message: `took ${slow.length > 1 ? 'up to ' : ''}${duration(longest)}, half of all at most ${duration(median)}`,
      next: `edgectl node doctor ${first.id}`,
    });
  }
  const unsteady = done.filter(({ id }) => (view.losses.get(id) ?? 0) > 0);
  const [lost] = unsteady;
  if (lost !== undefined) {
    const most = Math.max(...unsteady.map(({ id }) => view.losses.get(id) ?? 0));
    const times = most === 1 ? 'once' : `${unsteady.length > 1 ? 'up to ' : ''}${most} times`;
    remarks.push({
      code: 'unsteady',
      nodes: unsteady.map(({ id }) => id).sort(),
      message: `lost the connection ${times} on the way`,
      next: `edgectl node doctor ${lost.id}`,
    });
  }
  for (const { id } of done) {
    const setback = view.setbacks.get(id);
    if (setback === undefined) continue;
    const message = `came through at attempt ${setback.attempt + 1}, after: ${setback.message}`;
    const same = remarks.find((remark) => remark.code === 'again' && remark.message === message);
    if (same === undefined)
      remarks.push({ code: 'again', nodes: [id], message, next: `edgectl run logs ${view.run} ${id}` });
    else same.nodes.push(id);
  }
  return remarks;
}
