import type { ImportedNode, Remark } from '../model.js';
import type { Var } from './value.js';

/** What edgectl's own export says that Ansible has no variable for. */
type Own = Partial<Pick<ImportedNode, 'site' | 'region' | 'state' | 'wariness' | 'identity' | 'via' | 'transport'>> & {
  labels?: Record<string, string>;
};

/** Reads `edgectl_*` variables, which `edgectl fleet export` writes. Others of that prefix are errors. */
export function readNodeVars(vars: ReadonlyMap<string, Var>, remarks: Remark[]): Own {
  const own: Own = {};
  for (const [name, { value, origin }] of vars) {
    if (!name.startsWith('edgectl_')) continue;
    const text = value.kind === 'scalar' ? value.text : '';
    if (name === 'edgectl_site') own.site = text;
    else if (name === 'edgectl_region') own.region = text;
    else if (name === 'edgectl_wariness') own.wariness = Number(text);
    else if (name === 'edgectl_state') own.state = text as NonNullable<Own['state']>;
    else if (name === 'edgectl_node') {
      const more = json(text);
      if (more === undefined) remarks.push({ level: 'error', ...origin, message: `${name} is no JSON` });
      else Object.assign(own, more);
    } else remarks.push({ level: 'error', ...origin, message: `${name}: edgectl knows no such variable` });
  }
  return own;
}

function json(text: string): Own | undefined {
  try {
    return JSON.parse(text) as Own;
  } catch {
    return undefined;
  }
}
