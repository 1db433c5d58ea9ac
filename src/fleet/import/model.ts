import type { Bastion } from '../types.js';

/** Where something stands in a source; lines from 1. */
export interface Origin {
  file: string;
  line: number;
}

/** A host on the way to a node, as a source names it. */
export interface Hop {
  /** The name that the source gives it; made from the address when it has none. */
  name?: string;
  address: string;
  port?: number;
  user?: string;
  identity: readonly string[];
  /** Only edgectl's own files know it. */
  home?: Bastion['callHome'];
}

/** A node as a source describes it. */
export interface ImportedNode {
  /** The source's name for it; the writer makes a fleet's name of it. */
  name: string;
  address: string;
  port?: number;
  user?: string;
  identity: readonly string[];
  via: readonly Hop[];
  transport?: 'ssh' | 'openssh';
  callHome?: string;
  groups: readonly string[];
  labels: Readonly<Record<string, string>>;
  site?: string;
  region?: string;
  wariness?: number;
  state?: 'in-service' | 'drained' | 'retired';
  origin: Origin;
}

/** Something that an importer has to tell about a line. */
export interface Remark extends Origin {
  /** `error`: not understood; `left-out`: understood, and on purpose not taken over; `note`: good to know. */
  level: 'error' | 'left-out' | 'note';
  message: string;
}

/** What a source came to. */
export interface Imported {
  nodes: ImportedNode[];
  remarks: Remark[];
}

/** Whether a variable's name says that its value is nobody else's business. */
export function looksSecret(name: string): boolean {
  return /pass(wd|word|phrase)?($|_)|secret|token|credential|(api|private|access|encryption)_?key($|_)/i.test(name);
}

/** `host`, `user@host:port`, `ssh://user@host:port`, `[v6]:port` as ProxyJump and -J take them; undefined when it is none. */
export function parseHop(text: string): Hop | undefined {
  const match = /^(?:ssh:\/\/)?(?:([^@\s]+)@)?(?:\[([^\]]+)\]|([^:@\s/[\]]+))(?::(\d{1,5}))?\/?$/.exec(text.trim());
  if (match === null) return undefined;
  const address = match[2] ?? match[3] ?? '';
  const port = match[4] === undefined ? undefined : Number(match[4]);
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined;
  return {
    address,
    identity: [],
    ...(match[1] === undefined ? {} : { user: match[1] }),
    ...(port === undefined ? {} : { port }),
  };
}
