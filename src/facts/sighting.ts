/** What was seen of one attribute: a value in canonical text, or why there is none. */
export type Reading = { value: string; unknown?: never } | { unknown: string; value?: never };

/** One section of a node's answer. */
export interface SectionSighting {
  section: string;
  /**
   * `same`: as at the digest that was sent. `seen`: `readings` are all that there is. `dark`: the section could not be looked
   * at; `readings` has the attributes that it always has, and `reason` holds for whatever else was known of it.
   */
  state: 'same' | 'seen' | 'dark';
  /** The node's digest of the section, 16 hex digits; absent when dark. */
  digest?: string;
  readings: ReadonlyMap<string, Reading>;
  reason?: string;
}

/** What one look at a node came to. */
export interface NodeSighting {
  node: string;
  /** RFC 3339 UTC, the operator's clock. */
  at: string;
  /** Something answered there, also when it said no. */
  reached: boolean;
  sections: readonly SectionSighting[];
  /** What changes by itself. */
  volatile: ReadonlyMap<string, Reading>;
}
