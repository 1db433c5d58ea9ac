/** How a bundle lies in a registry: an OCI artifact of three layers under a tag that names its archive. */
export const bundleTypes = {
  artifact: 'application/vnd.edgectl.bundle.v1',
  statement: 'application/vnd.edgectl.bundle.statement.v1',
  signature: 'application/vnd.edgectl.bundle.signature.v1',
  archive: 'application/vnd.edgectl.bundle.archive.v1.tar+gzip',
} as const;

/** Bytes: the largest statement or signature that is taken from a registry. */
export const maxSignedBytes = 64 * 1024;

/** The tag of a bundle, by the sha256 of its archive. (`sha256-…` would be the tag for referrers of a manifest.) */
export function bundleTag(digest: string): string {
  return `bundle-${digest}`;
}
