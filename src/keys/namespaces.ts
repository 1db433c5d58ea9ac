/** What a signature is for; a key is allowed per namespace, so that a runtime's signature can never pass for a plan's. */
export const namespaces = ['edgectl-plan', 'edgectl-runtime', 'edgectl-kit', 'edgectl-policy'] as const;
/** A signature namespace (ssh-keygen -n). */
export type Namespace = (typeof namespaces)[number];
