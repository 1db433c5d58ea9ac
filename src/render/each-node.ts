import { mapLimit } from '../util/map-limit.js';
import { runTasks, type TaskScreen } from './tasks.js';

/** More rows than this tell a person nothing; a log says all of it in the preview that follows. */
const MOST_ROWS = 16;

/** Works on every node, a few at once; on a terminal that can be redrawn, and for few nodes, with a row each. */
export async function onEachNode<Node extends { id: string }, T>(
  nodes: readonly Node[],
  work: (node: Node) => Promise<T>,
  how: { atOnce: number; title: (node: string) => string; screen?: TaskScreen | undefined },
): Promise<T[]> {
  const { screen, atOnce, title } = how;
  if (screen === undefined || !screen.redraw || nodes.length > MOST_ROWS) return await mapLimit(nodes, atOnce, work);
  const results = new Map<string, T>();
  const tasks = nodes.map((node) => ({
    title: title(node.id),
    run: async () => {
      results.set(node.id, await work(node));
      return title(node.id);
    },
  }));
  await runTasks(tasks, screen, { concurrent: atOnce, goOn: false });
  return nodes.flatMap((node) => (results.has(node.id) ? [results.get(node.id) as T] : []));
}
