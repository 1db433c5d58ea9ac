import type { NodeExec } from '../node/exec-many.js';
import type { Ui } from './ui.js';

/** What a command said on many nodes: nodes with the same result share one block. */
export function execText(execs: readonly NodeExec[], ui: Pick<Ui, 'theme' | 'fold'>): string {
  const blocks = foldExecs(execs).map(({ nodes, exec }) => {
    const result = exec.why ?? (exec.status === null ? 'ended by a signal' : `status ${exec.status}`);
    const tone = exec.verdict === 'ok' ? ui.theme.good : ui.theme.bad;
    const head = `${ui.theme.accent(ui.fold(nodes))}  ${tone(result)}${exec.truncated ? ' (output cut)' : ''}`;
    const parts = [head, exec.message ?? '', exec.stdout.trimEnd(), exec.stderr.trimEnd()];
    return parts.filter((part) => part !== '').join('\n');
  });
  return blocks.join('\n\n');
}

/** Fold nodes with the same result, in order of first appearance. */
export function foldExecs(execs: readonly NodeExec[]): { nodes: string[]; exec: NodeExec }[] {
  const groups = new Map<string, { nodes: string[]; exec: NodeExec }>();
  for (const exec of execs) {
    const key = JSON.stringify({ ...exec, node: '', message: exec.why });
    const group = groups.get(key) ?? { nodes: [], exec };
    group.nodes.push(exec.node);
    groups.set(key, group);
  }
  return [...groups.values()];
}
