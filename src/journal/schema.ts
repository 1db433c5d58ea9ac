/** Columns of the journal's tables. Times are RFC 3339 UTC text, documents are JSON text. */
export interface JournalTables {
  plans: PlansTable;
  runs: RunsTable;
  node_states: NodeStatesTable;
  attempts: AttemptsTable;
  amendments: AmendmentsTable;
  stages: StagesTable;
  events: EventsTable;
  facts: FactsTable;
  contacts: ContactsTable;
  leases: LeasesTable;
}

export interface PlansTable {
  id: string;
  digest: string;
  kind: string;
  body: string;
  saved_at: string;
}
export interface RunsTable {
  id: string;
  plan_digest: string;
  kind: string;
  fleet: string;
  state: string;
  exit_code: number | null;
  message: string;
  /** What another process asked for: `pause`, `abort`, or null. */
  request: string | null;
  started_at: string;
  updated_at: string;
  finished_at: string | null;
}
export interface NodeStatesTable {
  run: string;
  node: string;
  stage: string;
  state: string;
  why: string | null;
  message: string;
  log: string | null;
  updated_at: string;
}
export interface AttemptsTable {
  run: string;
  node: string;
  seq: number;
  attempt: number;
  action: string;
  wire_id: string;
  /** Hex; empty when another journal held it (rebuilt from the node). */
  nonce: string;
  intent_at: string;
  result_at: string | null;
  outcome: string | null;
}
export interface AmendmentsTable {
  run: string;
  node: string;
  plan_digest: string;
  steps: string;
  at: string;
}
export interface StagesTable {
  run: string;
  stage: string;
  state: string;
  last_success_at: string | null;
  gate: string | null;
  updated_at: string;
}
export interface EventsTable {
  run: string;
  seq: number;
  at: string;
  type: string;
  body: string;
}
export interface FactsTable {
  node: string;
  at: string;
  body: string;
}
/** The last time that a node was asked for its facts, and whether it could be reached. */
export interface ContactsTable {
  node: string;
  at: string;
  /** 1 or 0. */
  reached: number;
}
export interface LeasesTable {
  name: string;
  token: number;
  owner: string;
  host: string;
  pid: number;
  boot_id: string;
  /** Start time of the process in clock ticks since boot; tells a reused pid from the old one. */
  started: string;
  since: string;
  heartbeat_at: string;
}
