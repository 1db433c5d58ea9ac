import { EdgectlError } from '../errors/error.js';

/** What a signature is for; a key is allowed per namespace, so that a runtime's signature can never pass for a plan's. */
export const namespaces = ['edgectl-plan', 'edgectl-runtime', 'edgectl-kit', 'edgectl-policy'] as const;
/** A signature namespace (ssh-keygen -n). */
export type Namespace = (typeof namespaces)[number];

/** What a bundle of a component is signed for: who may sign a runtime may not sign the kit that verifies it. */
export function bundleNamespace(component: string): Namespace {
  return component === 'kit' ? 'edgectl-kit' : 'edgectl-runtime';
}

/** Reads a comma-separated list; `plan` is short for `edgectl-plan`. Throws USAGE. */
export function parseNamespaces(text: string): Namespace[] {
  const chosen = text.split(',').map((word) => {
    const name = word.trim();
    const found = namespaces.find((each) => each === name || each === `edgectl-${name}`);
    if (found !== undefined) return found;
    throw new EdgectlError('USAGE', {
      message: `${JSON.stringify(name)} is not a namespace.`,
      hint: namespaces.join(', '),
    });
  });
  return [...new Set(chosen)];
}
