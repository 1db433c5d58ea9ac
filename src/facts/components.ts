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
  const unmanaged: Record<string, string> = {};
  for (const [name, text] of Object.entries(raw.under('distro.'))) {
    // `none`, or the version and the file that it was asked of.
    if (text !== 'none' && !Object.hasOwn(managed, name)) unmanaged[name] = text.split(' ')[0] ?? text;
  }
  // Installed by `node prepare` and not upgraded yet: as if the distribution had brought it.
  if (raw.kit !== undefined && !Object.hasOwn(managed, 'kit')) unmanaged['kit'] = raw.kit.version;
  return { managed, unmanaged, trial: raw.generation?.trial === true };
}
