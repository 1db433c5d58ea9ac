import type { CompiledQuery, Kysely } from 'kysely';

/** Columns of the store of observations. Times are seconds since the epoch. */
export interface ObservationTables {
  /** Names of attributes, and lists of sections, each with a number. */
  names: InternTable;
  /** Values (`=text`) and reasons (`?text`), each with a number. */
  texts: InternTable;
  nodes: NodesTable;
  digests: { node: number; body: string };
  /** What changes by itself: only the newest. */
  volatiles: { node: number; at: number; body: Uint8Array };
  /** The open segment of each node. */
  tails: TailsTable;
  /** Segments before it, deflated. */
  segments: { node: number; seq: number; first_at: number; body: Uint8Array };
  looks: LooksTable;
}
interface InternTable {
  id: number;
  text: string;
}
export interface NodesTable {
  id: number;
  name: string;
  asked_at: number;
  reached: number;
  /** Last time that it was seen; 0 when never. */
  seen_at: number;
  /** Which sections were seen then: a name's id. */
  mask: number;
  /** JSON: when other sections were seen last. */
  late: string;
}
export interface TailsTable {
  node: number;
  /** Counts writes: who has read an older one begins again. */
  rev: number;
  seq: number;
  first_at: number;
  last_at: number;
  body: Uint8Array;
}
interface LooksTable {
  id: number;
  first_at: number;
  last_at: number;
  body: Uint8Array;
}

type Migration = (db: Kysely<ObservationTables>) => CompiledQuery[];

const first: Migration = ({ schema }) => [
  ...(['names', 'texts'] as const).map((table) =>
    schema
      .createTable(table)
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('text', 'text', (column) => column.notNull().unique())
      .compile(),
  ),
  schema
    .createTable('nodes')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('asked_at', 'integer', (column) => column.notNull())
    .addColumn('reached', 'integer', (column) => column.notNull())
    .addColumn('seen_at', 'integer', (column) => column.notNull())
    .addColumn('mask', 'integer', (column) => column.notNull())
    .addColumn('late', 'text', (column) => column.notNull())
    .compile(),
  schema
    .createTable('digests')
    .addColumn('node', 'integer', (column) => column.primaryKey())
    .addColumn('body', 'text', (column) => column.notNull())
    .compile(),
  schema
    .createTable('volatiles')
    .addColumn('node', 'integer', (column) => column.primaryKey())
    .addColumn('at', 'integer', (column) => column.notNull())
    .addColumn('body', 'blob', (column) => column.notNull())
    .compile(),
  schema
    .createTable('tails')
    .addColumn('node', 'integer', (column) => column.primaryKey())
    .addColumn('rev', 'integer', (column) => column.notNull())
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('first_at', 'integer', (column) => column.notNull())
    .addColumn('last_at', 'integer', (column) => column.notNull())
    .addColumn('body', 'blob', (column) => column.notNull())
    .compile(),
  schema
    .createTable('segments')
    .addColumn('node', 'integer', (column) => column.notNull())
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('first_at', 'integer', (column) => column.notNull())
    .addColumn('body', 'blob', (column) => column.notNull())
    .addPrimaryKeyConstraint('segments_key', ['node', 'seq'])
    .compile(),
  schema.createIndex('segments_by_time').on('segments').columns(['node', 'first_at']).compile(),
  schema
    .createTable('looks')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('first_at', 'integer', (column) => column.notNull())
    .addColumn('last_at', 'integer', (column) => column.notNull())
    .addColumn('body', 'blob', (column) => column.notNull())
    .compile(),
  schema.createIndex('looks_by_time').on('looks').columns(['first_at']).compile(),
];

/** All migrations in order. Never edit one that was released: add another. */
export const observationMigrations: readonly Migration[] = [first];
