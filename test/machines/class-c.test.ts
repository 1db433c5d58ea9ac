import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Machine } from '../../src/lab/machines/machine.js';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import { stateDriver, stateScript } from '../helpers/kit-class-c.js';
import type { KitAuthority } from '../helpers/kit-signer.js';
import { KitSigner, put } from '../helpers/kit-signer.js';
import type { TestBundle } from '../helpers/machines-authority.js';
import { KitOnMachine } from '../helpers/machines-kit.js';
import { prepareMachine } from '../helpers/machines-prepare.js';
import { machinesNeed, testMachines } from '../helpers/machines.js';
import { until } from '../helpers/until.js';

/** State and kit lie on the same image, so that a cut takes from both what was not synced; the way to the state leads over a link. */
const furnish = `set -e
mkdir -p /var/lib/edgectl/.volume/data /srv/volume
cat >/etc/systemd/system/srv-volume.mount <<'UNIT'
[Unit]
DefaultDependencies=no
RequiresMountsFor=/var/lib/edgectl
Before=local-fs.target
[Mount]
What=/var/lib/edgectl/.volume
Where=/srv/volume
Type=none
Options=bind
[Install]
WantedBy=local-fs.target
UNIT
cat >/etc/systemd/system/toy.service <<'UNIT'
[Service]
ExecStart=/usr/bin/toy serve
KillMode=process
Restart=always
[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable --now srv-volume.mount
ln -s /srv/volume/data /var/lib/toy
cd /srv/volume/data
echo 1 >schema; mkdir data; chmod 2750 data
head -c 3000000 /dev/urandom >data/rows; ln data/rows data/rows.hard; chown 65534:65534 data/rows
echo index >data/rows.idx; ln -s data/rows current; mkfifo fifo
setfattr -n user.note -v kept data/rows.idx 2>/dev/null || true
systemctl enable --now toy.service
sync`;
const look = `cd /var/lib/toy/ && find . ! -type s -printf '%p %y %m %U %G %l %n %Ts\\n' | sort; find . -type f -exec sha256sum {} + | sort`;
const lab = '/etc/edgectl/lab';

describe.skipIf(machinesNeed.skip)(
  'a runtime that migrates its state, under a real systemd and real power cuts',
  () => {
    let machines: MachinesLab;
    let machine: Machine;
    let kit: KitOnMachine;
    let signer: KitSigner;
    let bundle: TestBundle;
    let before: string;

    beforeAll(async () => {
      machines = await testMachines({ count: 1, stateImageMiB: 256 });
      machine = machines.node('edge-001');
      signer = new KitSigner(path.join(machines.dir, 'signing'));
      bundle = toyBundle(machines.dir, signer, '2.0');
      const script = stateScript('1.0');
      await machine.exec(['sh', '-c', 'cat >/usr/bin/toy && chmod 755 /usr/bin/toy'], { input: script });
      await machine.sh(furnish);
      await prepareMachine(machine, signer, { labKit: true });
      await machine.sh(`mkdir -p ${lab}`);
      kit = new KitOnMachine(machine);
      before = await machine.sh(look);
    });
    afterAll(() => machines.stop());

    const authority = (): KitAuthority =>
      signer.authority(machine.id, `run-${signer.series()}`, {
        'health.cap': 60,
        'confirm.window': 60,
        'want.toy': `${bundle.version} ${bundle.digest}`,
      });
    const trial = async (): Promise<{ run: string; step: string }> => {
      const wanted = authority();
      await kit.prepareRun(wanted, [bundle]);
      const step = await kit.start(wanted.run);
      return { run: wanted.run, step };
    };
    const migrated = async (): Promise<boolean> => (await machine.sh('cat /var/lib/toy/schema')) === '2\n';
    const atFailpoint = (): Promise<boolean> =>
      until(
        'the failpoint is reached',
        async () => (await machine.exec(['test', '-e', '/run/edgectl/failpoint-hit'])).status === 0,
        { within: 90_000 },
      );
    const bootsOld = async ({ run, step }: { run: string; step: string }, why: string): Promise<void> => {
      await machine.boot();
      kit = new KitOnMachine(machine);
      const tx = await kit.status(run, step);
      expect([tx.state, tx.why]).toEqual(['REVERTED', why]);
      await until(
        'version 1.0 runs',
        async () =>
          (await machine.sh('systemctl is-active toy.service || true; cat /run/toy.version')) === 'active\n1.0\n',
      );
      expect(await machine.sh(look)).toBe(before);
      expect(await machine.sh('ls /var/lib/edgectl/held /var/lib/edgectl/snap; ls /srv/volume')).toBe(
        '/var/lib/edgectl/held:\n\n/var/lib/edgectl/snap:\ndata\n',
      );
    };

    it('cannot be started by anybody while its state is copied, and gets it back when the power goes in the trial', async () => {
      await machine.sh(`echo '20 hold' >${lab}/failpoint`);
      const wanted = await trial();
      await atFailpoint();
      await machine.sh('systemctl start toy.service');
      expect(await machine.sh('systemctl show -p ActiveState -p ConditionResult toy.service')).toBe(
        'ActiveState=inactive\nConditionResult=no\n',
      );
      await machine.sh('rm -f /run/edgectl/failpoint-hit');
      await kit.reaches(wanted.run, wanted.step, ['AWAIT']);
      expect(await migrated()).toBe(true);
      // What the new version wrote is on the disk for good.
      await machine.sh('sync');
      await machine.powerCut();
      await bootsOld(wanted, 'power');
    });

    it.each([
      [23, 'it is copied back beside what the new version wrote'],
      [24, 'nothing is in its place'],
      [25, 'it is in its place'],
    ])('gets its state back when the power goes in the middle of that, at failpoint %i: %s', async (failpoint) => {
      const wanted = await trial();
      await kit.reaches(wanted.run, wanted.step, ['AWAIT']);
      expect(await migrated()).toBe(true);
      await machine.sh(`sync; echo '${failpoint} hold' >${lab}/failpoint`);
      const revert = kit.change('revert', wanted).catch(() => undefined);
      await atFailpoint();
      await machine.powerCut();
      await revert;
      await bootsOld(wanted, 'operator');
    });

    it('is committed with its state migrated, over a power cut at the moment of the acknowledgement', async () => {
      const wanted = await trial();
      await kit.reaches(wanted.run, wanted.step, ['AWAIT']);
      expect((await kit.confirm(wanted.run, wanted.step)).state).toBe('COMMIT');
      await machine.sh('sync -f /srv/volume/data');
      await machine.powerCut();
      await machine.boot();
      kit = new KitOnMachine(machine);
      expect((await kit.versions())['toy']).toBe('2.0');
      await until(
        'version 2.0 runs',
        async () =>
          (await machine.sh('systemctl is-active toy.service || true; cat /run/toy.version')) === 'active\n2.0\n',
      );
      expect(await migrated()).toBe(true);
      expect(await machine.sh('ls /var/lib/edgectl/held')).toBe('');
    });
  },
);

/** A signed bundle of the toy in a file. */
function toyBundle(dir: string, signer: KitSigner, version: string): TestBundle {
  const source = mkdtempSync(path.join(dir, 'toy-'));
  put(path.join(source, 'files/bin/toy'), stateScript(version), 0o755);
  symlinkSync('toy', path.join(source, 'files/bin/toy-alias'));
  put(path.join(source, 'driver'), stateDriver());
  const { bytes, ...signed } = signer.bundle(source, 'toy', version);
  const file = path.join(source, 'bundle.tar.gz');
  writeFileSync(file, bytes);
  return { ...signed, size: bytes.length, path: file };
}
