import { EdgectlError } from '../errors/error.js';
import type { JournalBase } from './base.js';
import type { LeaseOwner, LivenessProbe } from './owner.js';
import type { LeasesTable } from './schema.js';

/** Milliseconds without a heartbeat after which a lease of another machine counts as left behind. */
export const LEASE_STALE_MS = 60_000;
/** Milliseconds between heartbeats. */
export const LEASE_HEARTBEAT_MS = 5_000;

/** A lease that this process holds. */
export interface HeldLease {
  name: string;
  token: number;
  /** The holder that it was taken over from, when there was a dead one. */
  tookOver?: LeaseOwner & { since: string };
}

/** Keeps processes that share one journal apart; nodes are kept apart by their own leases. */
export class LeaseStore {
  readonly #base: JournalBase;
  readonly #me: LeaseOwner;
  readonly #alive: LivenessProbe;

  constructor(base: JournalBase, me: LeaseOwner, alive: LivenessProbe) {
    this.#base = base;
    this.#me = me;
    this.#alive = alive;
  }

  /** Takes a lease, also from a dead holder. Throws LEASE_HELD that names a live one. */
  async take(name: string): Promise<HeldLease> {
    const holder = await this.#find(name);
    if (holder !== undefined && !this.#isStale(holder)) throw held(name, holder);
    const token = (holder?.token ?? 0) + 1;
    const changed = await this.#base.begin(this.#claim(name, token, holder?.token ?? null));
    if (changed === 0) throw held(name, (await this.#find(name)) ?? holder);
    return {
      name,
      token,
      ...(holder === undefined || holder.pid === 0 ? {} : { tookOver: { ...ownerOf(holder), since: holder.since } }),
    };
  }

  /** False when somebody else has taken it over meanwhile: stop. */
  async renew(lease: HeldLease): Promise<boolean> {
    const query = this.#base.db
      .updateTable('leases')
      .set({ heartbeat_at: this.#base.now() })
      .where('name', '=', lease.name)
      .where('token', '=', lease.token);
    return (await this.#base.append(query.compile())) > 0;
  }

  async release(lease: HeldLease): Promise<void> {
    // The row stays, so that the token never goes back.
    const query = this.#base.db
      .updateTable('leases')
      .set({ pid: 0, owner: '', host: '' })
      .where('name', '=', lease.name)
      .where('token', '=', lease.token);
    await this.#base.append(query.compile());
  }

  /** The live or dead holder of a lease; undefined when it is free. */
  async holder(name: string): Promise<(LeaseOwner & { since: string; stale: boolean }) | undefined> {
    const row = await this.#find(name);
    if (row === undefined || row.pid === 0) return undefined;
    return { ...ownerOf(row), since: row.since, stale: this.#isStale(row) };
  }

  async #find(name: string): Promise<LeasesTable | undefined> {
    return this.#base.db.selectFrom('leases').selectAll().where('name', '=', name).executeTakeFirst();
  }

  #claim(name: string, token: number, previous: number | null) {
    const at = this.#base.now();
    const { owner, host, pid, bootId, started } = this.#me;
    const values = { token, owner, host, pid, boot_id: bootId, started, since: at, heartbeat_at: at };
    const insert = this.#base.db.insertInto('leases').values({ name, ...values });
    if (previous === null) return insert.onConflict((conflict) => conflict.doNothing()).compile();
    return this.#base.db
      .updateTable('leases')
      .set(values)
      .where('name', '=', name)
      .where('token', '=', previous)
      .compile();
  }

  #isStale(row: LeasesTable): boolean {
    if (row.pid === 0) return true;
    const age = Date.parse(this.#base.now()) - Date.parse(row.heartbeat_at);
    if (row.host !== this.#me.host) return age > LEASE_STALE_MS;
    return row.boot_id !== this.#me.bootId || !this.#alive(ownerOf(row));
  }
}

function ownerOf(row: LeasesTable): LeaseOwner {
  return { owner: row.owner, host: row.host, pid: row.pid, bootId: row.boot_id, started: row.started };
}

function held(name: string, holder: LeasesTable | undefined): EdgectlError {
  const who = holder === undefined ? 'another process' : `${holder.owner} on ${holder.host} (pid ${holder.pid})`;
  return new EdgectlError('LEASE_HELD', {
    message: `${name} is being worked on by ${who}${holder === undefined ? '' : ` since ${holder.since}`}.`,
    hint: 'wait for it, or look with: edgectl run status',
    data: holder === undefined ? {} : { owner: holder.owner, host: holder.host, pid: holder.pid, since: holder.since },
  });
}
