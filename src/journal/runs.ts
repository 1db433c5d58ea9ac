import type { RunState, NodeState, Plan } from '../plan/types.js';
import { serialisePlan, parsePlanFile } from '../plan/serialise.js';
import type { JournalBase } from './base.js';
import type { RunsTable } from './schema.js';

/** A run as the journal has it. */
export interface RunRecord {
  id: string;
  planDigest: string;
  kind: Plan['kind'];
  fleet: string;
  state: RunState;
  exitCode: number | null;
  message: string;
  request: ControlRequest | null;
  startedAt: string;
  updatedAt: string;
  finishedAt: string | null;
}

/** What one process may ask of the one that works on a run. */
export type ControlRequest = 'pause' | 'abort';

/** A node within a run as the journal has it. */
export interface NodeRecord {
  node: string;
  stage: string;
  state: NodeState;
  why: string | null;
  message: string;
  log: string | null;
  updatedAt: string;
}

/** How far a stage has come. */
export interface StageRecord {
  stage: string;
  state: 'running' | 'soaking' | 'passed' | 'failed';
  lastSuccessAt: string | null;
  /** One line of the gate's verdict. */
  gate: string | null;
}

/** Plans and what became of them. */
export class RunStore {
  readonly #base: JournalBase;

  constructor(base: JournalBase) {
    this.#base = base;
  }

  /** Saves plan and run, when they are not there yet, before anything is done. */
  async create(plan: Plan): Promise<void> {
    const { db } = this.#base;
    const at = this.#base.now();
    const save = db
      .insertInto('plans')
      .values({ id: plan.id, digest: plan.digest, kind: plan.kind, body: serialisePlan(plan), saved_at: at })
      .onConflict((conflict) => conflict.doNothing());
    const start = db
      .insertInto('runs')
      .values({
        id: plan.id,
        plan_digest: plan.digest,
        kind: plan.kind,
        fleet: plan.fleet.id,
        state: 'running',
        exit_code: null,
        message: '',
        request: null,
        started_at: at,
        updated_at: at,
        finished_at: null,
      })
      .onConflict((conflict) => conflict.doNothing());
    await this.#base.begin(save.compile(), start.compile());
  }

  /** The frozen plan of a run; its digest is checked again. */
  async plan(run: string): Promise<Plan | undefined> {
    const row = await this.#base.db.selectFrom('plans').select('body').where('id', '=', run).executeTakeFirst();
    return row === undefined ? undefined : parsePlanFile(row.body);
  }

  async get(run: string): Promise<RunRecord | undefined> {
    const row = await this.#base.db.selectFrom('runs').selectAll().where('id', '=', run).executeTakeFirst();
    return row === undefined ? undefined : toRun(row);
  }

  /** Newest first. */
  async list(limit = 100): Promise<RunRecord[]> {
    const rows = await this.#base.db
      .selectFrom('runs')
      .selectAll()
      .orderBy('started_at', 'desc')
      .limit(limit)
      .execute();
    return rows.map(toRun);
  }

  async setState(run: string, state: RunState, end?: { exitCode: number; message: string }): Promise<void> {
    const at = this.#base.now();
    const query = this.#base.db
      .updateTable('runs')
      .set({
        state,
        updated_at: at,
        exit_code: end?.exitCode ?? null,
        message: end?.message ?? '',
        finished_at: end === undefined ? null : at,
        ...(end === undefined ? {} : { request: null }),
      })
      .where('id', '=', run);
    await this.#base.append(query.compile());
  }

  /** Asks whoever works on the run to pause or abort it; heard at the next heartbeat. */
  async request(run: string, request: ControlRequest): Promise<boolean> {
    const query = this.#base.db
      .updateTable('runs')
      .set({ request, updated_at: this.#base.now() })
      .where('id', '=', run);
    return (await this.#base.append(query.compile())) > 0;
  }

  async nodes(run: string): Promise<NodeRecord[]> {
    const rows = await this.#base.db
      .selectFrom('node_states')
      .selectAll()
      .where('run', '=', run)
      .orderBy('node')
      .execute();
    return rows.map(({ run: _run, updated_at, state, ...rest }) => ({
      ...rest,
      state: state as NodeState,
      updatedAt: updated_at,
    }));
  }

  /** Of every node the newest state that any run left it in. */
  async lastStates(): Promise<{ node: string; run: string; state: string; at: string }[]> {
    const { db } = this.#base;
    const newest = db
      .selectFrom('node_states')
      .select((select) => ['node', select.fn.max('updated_at').as('at')])
      .groupBy('node')
      .as('newest');
    return await db
      .selectFrom('node_states')
      .innerJoin(newest, (join) =>
        join.onRef('newest.node', '=', 'node_states.node').onRef('newest.at', '=', 'node_states.updated_at'),
      )
      .select(['node_states.node', 'node_states.run', 'node_states.state', 'node_states.updated_at as at'])
      .orderBy('node_states.run')
      .execute();
  }

  async setNode(run: string, record: Omit<NodeRecord, 'updatedAt'>): Promise<void> {
    const values = { ...record, updated_at: this.#base.now() };
    const query = this.#base.db
      .insertInto('node_states')
      .values({ run, ...values })
      .onConflict((conflict) => conflict.columns(['run', 'node']).doUpdateSet(values));
    await this.#base.append(query.compile());
  }

  async stages(run: string): Promise<StageRecord[]> {
    const rows = await this.#base.db.selectFrom('stages').selectAll().where('run', '=', run).execute();
    return rows.map((row) => ({
      stage: row.stage,
      state: row.state as StageRecord['state'],
      lastSuccessAt: row.last_success_at,
      gate: row.gate,
    }));
  }

  async setStage(run: string, record: StageRecord): Promise<void> {
    const values = {
      stage: record.stage,
      state: record.state,
      last_success_at: record.lastSuccessAt,
      gate: record.gate,
      updated_at: this.#base.now(),
    };
    const query = this.#base.db
      .insertInto('stages')
      .values({ run, ...values })
      .onConflict((conflict) => conflict.columns(['run', 'stage']).doUpdateSet(values));
    await this.#base.append(query.compile());
  }
}

function toRun(row: RunsTable): RunRecord {
  return {
    id: row.id,
    planDigest: row.plan_digest,
    kind: row.kind as Plan['kind'],
    fleet: row.fleet,
    state: row.state as RunState,
    exitCode: row.exit_code,
    message: row.message,
    request: row.request as ControlRequest | null,
    startedAt: row.started_at,
    updatedAt: row.updated_at,
    finishedAt: row.finished_at,
  };
}
