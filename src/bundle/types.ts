/** What a bundle says of itself; signed (docs/reference/node-protocol.md, section 4). */
export interface BundleStatement {
  component: string;
  version: string;
  arch: string;
  /** sha256 of the archive, hex. */
  digest: string;
  /** Bytes of the archive. */
  size: number;
  series: number;
}

/** A bundle in the operator's store. */
export interface StoredBundle extends BundleStatement {
  /** Absolute path of the archive. */
  path: string;
  /** Exact signed text, and the armored SSH signature. */
  statement: string;
  signature: string;
}

/** The operator's bundle store: `$XDG_DATA_HOME/edgectl/bundles/<digest>/{bundle.tar.gz,statement,statement.sig}`. */
export interface BundleStore {
  list(): Promise<StoredBundle[]>;
  get(digest: string): Promise<StoredBundle | undefined>;
  find(component: string, version: string, arch: string): Promise<StoredBundle | undefined>;
  /** Bytes of an archive from an offset, in chunks. */
  read(digest: string, offset: number, size?: number): AsyncIterable<Uint8Array>;
}
