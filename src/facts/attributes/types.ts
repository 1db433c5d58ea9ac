/** How a value is written: all are text, and equal values are equal text. */
export type AttributeKind =
  /** One line. */
  | 'text'
  /** Decimal, without leading zeros. */
  | 'number'
  /** Decimal. */
  | 'bytes'
  /** RFC 3339, UTC. */
  | 'time'
  /** `sha256:<hex>`. */
  | 'digest'
  /** Words in byte order with a blank between them; `none` when there is none. */
  | 'list'
  /** `yes` or `no`. */
  | 'flag'
  /** Four octal digits. */
  | 'mode';

/** One attribute, or a family of them: `<…>` in the name stands for what was asked for or found. */
export interface Attribute {
  name: string;
  kind: AttributeKind;
  /** Of a number. */
  unit?: string;
  /** Words that may stand in the place of a value of the kind, for example `absent`. */
  words?: readonly string[];
  /** Changes by itself: only the newest is kept, it has no history, and it is no drift. */
  volatile?: true;
  /** Every node has its own, so that nodes are not compared by it. */
  own?: true;
  /** One sentence: what it is and where it comes from. */
  what: string;
  /** When it is unknown; `privilege` and `timeout` go without saying. */
  unknown?: string;
}

/** Attributes that travel together, with one digest. */
export interface AttributeSection {
  section: string;
  attributes: readonly Attribute[];
}
