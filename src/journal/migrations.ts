import type { CompiledQuery, Kysely } from 'kysely';

import type { JournalTables } from './schema.js';

/** One migration: what makes version n of the schema from version n - 1. Written with the builder, so that it is not bound to SQLite. */
type Migration = (db: Kysely<JournalTables>) => CompiledQuery[];

const first: Migration = (db) => {
  const table = (name: keyof JournalTables) => db.schema.createTable(name);
  return [
    table('plans')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('digest', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .addColumn('saved_at', 'text', (column) => column.notNull())
      .compile(),
    table('runs')
      .addColumn('id', 'text', (column) => column.primaryKey().references('plans.id'))
      .addColumn('plan_digest', 'text', (column) => column.notNull())
      .addColumn('kind', 'text', (column) => column.notNull())
      .addColumn('fleet', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('exit_code', 'integer')
      .addColumn('message', 'text', (column) => column.notNull())
      .addColumn('request', 'text')
      .addColumn('started_at', 'text', (column) => column.notNull())
      .addColumn('updated_at', 'text', (column) => column.notNull())
      .addColumn('finished_at', 'text')
      .compile(),
    table('node_states')
      .addColumn('run', 'text', (column) => column.notNull().references('runs.id'))
      .addColumn('node', 'text', (column) => column.notNull())
      .addColumn('stage', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('why', 'text')
      .addColumn('message', 'text', (column) => column.notNull())
      .addColumn('log', 'text')
      .addColumn('updated_at', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('node_states_key', ['run', 'node'])
      .compile(),
    table('attempts')
      .addColumn('run', 'text', (column) => column.notNull().references('runs.id'))
      .addColumn('node', 'text', (column) => column.notNull())
      .addColumn('seq', 'integer', (column) => column.notNull())
      .addColumn('attempt', 'integer', (column) => column.notNull())
      .addColumn('action', 'text', (column) => column.notNull())
      .addColumn('wire_id', 'text', (column) => column.notNull())
      .addColumn('nonce', 'text', (column) => column.notNull())
      .addColumn('intent_at', 'text', (column) => column.notNull())
      .addColumn('result_at', 'text')
      .addColumn('outcome', 'text')
      .addPrimaryKeyConstraint('attempts_key', ['run', 'node', 'seq', 'attempt'])
      .compile(),
    table('amendments')
      .addColumn('run', 'text', (column) => column.notNull().references('runs.id'))
      .addColumn('node', 'text', (column) => column.notNull())
      .addColumn('plan_digest', 'text', (column) => column.notNull())
      .addColumn('steps', 'text', (column) => column.notNull())
      .addColumn('at', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('amendments_key', ['run', 'node'])
      .compile(),
    table('stages')
      .addColumn('run', 'text', (column) => column.notNull().references('runs.id'))
      .addColumn('stage', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('last_success_at', 'text')
      .addColumn('gate', 'text')
      .addColumn('updated_at', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('stages_key', ['run', 'stage'])
      .compile(),
    table('events')
      .addColumn('run', 'text', (column) => column.notNull().references('runs.id'))
      .addColumn('seq', 'integer', (column) => column.notNull())
      .addColumn('at', 'text', (column) => column.notNull())
      .addColumn('type', 'text', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('events_key', ['run', 'seq'])
      .compile(),
    table('facts')
      .addColumn('node', 'text', (column) => column.primaryKey())
      .addColumn('at', 'text', (column) => column.notNull())
      .addColumn('body', 'text', (column) => column.notNull())
      .compile(),
    table('leases')
      .addColumn('name', 'text', (column) => column.primaryKey())
      .addColumn('token', 'integer', (column) => column.notNull())
      .addColumn('owner', 'text', (column) => column.notNull())
      .addColumn('host', 'text', (column) => column.notNull())
      .addColumn('pid', 'integer', (column) => column.notNull())
      .addColumn('boot_id', 'text', (column) => column.notNull())
      .addColumn('started', 'text', (column) => column.notNull())
      .addColumn('since', 'text', (column) => column.notNull())
      .addColumn('heartbeat_at', 'text', (column) => column.notNull())
      .compile(),
  ];
};

/** Whether a node could be reached is known apart from its facts: facts stay when it goes away. */
const contacts: Migration = (db) => [
  db.schema
    .createTable('contacts')
    .addColumn('node', 'text', (column) => column.primaryKey())
    .addColumn('at', 'text', (column) => column.notNull())
    .addColumn('reached', 'integer', (column) => column.notNull())
    .compile(),
];

/** All migrations in order; the schema's version is how many have run. Never edit one that was released: add another. */
export const migrations: readonly Migration[] = [first, contacts];
