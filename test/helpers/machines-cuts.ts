import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Machine } from '../../src/lab/machines/machine.js';
import type { TxLine } from '../../src/node/types.js';
import type { HealthPolicy } from '../../src/plan/types.js';
import type { Signer, TestAuthority, TestBundle } from './machines-authority.js';
import { plain, runningVersions, wants } from './machines-genuine.js';
import { KitOnMachine } from './machines-kit.js';
import { until } from './until.js';

const lab = '/etc/edgectl/lab';
const health: HealthPolicy = { windowS: 1, passes: 1, capS: 60, confirmS: 60 };

/** Which side of the change a machine is on; `mixed` must never be seen. */
export type Side = 'old' | 'new' | 'mixed';

/** What a machine was after its power had been cut and it had booted again. */
export interface AfterCut {
  committed: Side;
  running: Side;
  /** Where `committed` led when the power went; empty when it led nowhere, undefined when nobody looked. */
  pointer?: string;
  /** Did the node tell the operator of a commit before the cut? */
  acknowledged: boolean;
  /** The node's record of the step; undefined when it never heard of it. */
  tx: TxLine | undefined;
  /** Is the second recovery's answer the first one's? */
  stable: boolean;
  denied: number;
}

/** One machine with a state image, made ready once and put back to the same beginning before each cut. */
export class CutBench {
  private kit: KitOnMachine;
  private authority: TestAuthority | undefined;
  private old: Record<string, string> = {};

  constructor(
    readonly machine: Machine,
    private readonly signer: Signer,
    private readonly bundles: readonly TestBundle[],
  ) {
    this.kit = new KitOnMachine(machine);
  }

  /** Keeps two beginnings: prepared, and with everything staged and adopted. */
  async makeReady(): Promise<void> {
    const { machine } = this;
    this.old = await runningVersions(machine);
    this.authority = (await this.signer.plan([machine.id], { kind: 'update', health, want: wants(this.bundles) }))[
      machine.id
    ];
    await machine.sh(`mkdir -p ${lab}; sync`);
    await this.keep('prepared');
    await this.kit.prepareRun(this.run(), this.bundles);
    await machine.sh('sync');
    await this.keep('staged');
  }

  /** Puts the machine back to a beginning and boots it, with these switches of the lab kit thrown. */
  async begin(from: 'prepared' | 'staged', switches: readonly string[] = []): Promise<void> {
    if (await this.machine.isUp()) await this.machine.kill();
    await this.machine.restoreState(this.saved(from));
    // What adoption wired into /etc and /usr/local is on another disk than the state that was just put back.
    if (from === 'prepared')
      for (const wired of [
        'etc/systemd/system/containerd.service.d',
        'usr/local/bin/ctr',
        'usr/local/bin/containerd-shim-runc-v2',
        'usr/local/sbin/runc',
      ])
        await rm(path.join(this.machine.root, wired), { recursive: true, force: true });
    await this.machine.boot();
    this.kit = new KitOnMachine(this.machine);
    await this.machine.sh(`rm -f ${lab}/*; for s in ${switches.join(' ')}; do : >${lab}/$s; done`);
    await this.kit.lease(this.run().run);
  }

  /** Carries the change out until the kit stands at a failpoint, then cuts the power and boots. */
  async cutAt(failpoint: number, switches: readonly string[] = []): Promise<AfterCut> {
    await this.begin(failpoint <= 5 ? 'prepared' : 'staged', switches);
    await this.machine.sh(`echo '${failpoint} hold' >${lab}/failpoint`);
    const change = this.carryOut();
    await this.held();
    const pointer = (await this.machine.exec(['readlink', '/var/lib/edgectl/committed'])).stdout.trim();
    return { ...(await this.cut(change)), pointer };
  }

  /** Nobody confirms, and the runner is stopped where it stands: what is left to act in time is the dead-man alone. */
  async unattended(switches: readonly string[] = []): Promise<TxLine> {
    await this.begin('staged', switches);
    const { id } = this.machine;
    const want = wants(this.bundles);
    const short = { windowS: 1, passes: 1, capS: 8, confirmS: 4 };
    const authority = (await this.signer.plan([id], { kind: 'update', health: short, want }))[id];
    if (authority === undefined) throw new Error('no slice');
    await this.kit.release(this.run().run);
    await this.kit.prepareRun(authority, this.bundles);
    const step = await this.kit.start(authority.run);
    await this.kit.reaches(authority.run, step, ['AWAIT']);
    await this.machine.sh('kill -STOP $(systemctl show -p MainPID --value edgectl-tx)');
    return this.kit.reaches(authority.run, step, ['REVERTED'], short.capS + short.confirmS + 15);
  }

  /** Carries the change out and cuts the power some milliseconds after its beginning, wherever it is then. */
  async cutAfter(milliseconds: number, switches: readonly string[] = []): Promise<AfterCut> {
    await this.begin('staged', switches);
    const change = this.carryOut();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return this.cut(change);
  }

  /** Carries the change out to the end, then cuts the power at once. */
  async cutAfterCommit(switches: readonly string[] = []): Promise<AfterCut> {
    await this.begin('staged', switches);
    const change = this.carryOut();
    await change.done;
    return this.cut(change);
  }

  /** The same change again, after a cut. */
  async again(): Promise<TxLine> {
    await this.kit.prepareRun(this.run(), this.bundles);
    return this.kit.carryOut(this.run(), this.bundles);
  }

  /** What the machine is now. */
  async look(): Promise<{ committed: Side; running: Side }> {
    return { committed: this.side(await this.kit.versions()), running: this.side(await runningVersions(this.machine)) };
  }

  /** The step's number is new in each process of a kit driver, so each beginning has the same one. */
  private carryOut(): { done: Promise<void>; acknowledged: () => boolean; step: () => string | undefined } {
    let acknowledged = false;
    let step: string | undefined;
    const { run } = this.run();
    const work = async (): Promise<void> => {
      await this.kit.prepareRun(this.run(), this.bundles);
      step = `${run}/${this.machine.id}/1/1`;
      await this.kit.start(run);
      await this.kit.reaches(run, step, ['AWAIT']);
      acknowledged = (await this.kit.confirm(run, step)).state === 'COMMIT';
    };
    const done = work();
    // The cut ends it in the middle of anything.
    done.catch(() => undefined);
    return { done, acknowledged: () => acknowledged, step: () => step };
  }

  private async cut(change: ReturnType<CutBench['carryOut']>): Promise<AfterCut> {
    await this.machine.powerCut();
    await change.done.catch(() => undefined);
    await this.machine.boot();
    const { run } = this.run();
    const tx = await this.kit.status(run, `${run}/${this.machine.id}/1/1`).catch(() => undefined);
    const first = await this.kit.generation();
    await this.kit.call('recover');
    const second = await this.kit.generation();
    const status = await this.kit.call('status');
    return {
      ...(await this.look()),
      acknowledged: change.acknowledged(),
      tx,
      stable:
        first.committed === second.committed && first.active === second.active && first.active === first.committed,
      denied: status.filter((line) => line.t === 'denied').length,
    };
  }

  private async held(): Promise<void> {
    const hit = async (): Promise<boolean> =>
      (await this.machine.exec(['test', '-e', '/run/edgectl/failpoint-hit'])).status === 0;
    await until(`${this.machine.id} comes to the failpoint`, hit);
  }

  private side(versions: Record<string, string>): Side {
    // Before anything was adopted, the distribution's own files run.
    if (Object.keys(versions).length === 0) return 'old';
    const sides = this.bundles.map(({ component, version }) => {
      const seen = plain(versions[component] ?? '');
      return seen === plain(version) ? 'new' : seen === this.old[component] ? 'old' : 'mixed';
    });
    return sides.every((side) => side === sides[0]) ? (sides[0] ?? 'mixed') : 'mixed';
  }

  private run(): TestAuthority {
    if (this.authority === undefined) throw new Error('makeReady was not called');
    return this.authority;
  }

  private async keep(name: string): Promise<void> {
    await this.machine.powerOff();
    await this.machine.saveState(this.saved(name));
    await this.machine.boot();
    this.kit = new KitOnMachine(this.machine);
  }

  private saved(name: string): string {
    return path.join(this.machine.record.dir, `${name}.img`);
  }
}
