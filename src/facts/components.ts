import type { ComponentState } from '../node/types.js';
import type { RawFacts } from './raw.js';

/** The runtimes of a node. */
export interface ComponentFacts {
  /** Of the active generation, by component. */
  managed: Record<string, ComponentState>;
  /** Versions of the distribution's own builds that are not in the generation. */
  unmanaged: Record<string, string>;
  /** A generation is on trial now. */
  trial: boolean;
}

/** Read which runtimes the node runs and who manages them. */
export function componentFacts(raw: RawFacts): ComponentFacts {
  const managed: Record<string, ComponentState> = {};
  for (const [name, state] of Object.entries(raw.generation?.components ?? {})) {
    if (typeof state?.version === 'string' && typeof state.digest === 'string') managed[name] = state;
  }
  const installed = Object.entries(raw.under('installed.')).filter(([name]) => !Object.hasOwn(managed, name));
  return { managed, unmanaged: Object.fromEntries(installed), trial: raw.generation?.trial === true };
}
