import { createHash } from 'node:crypto';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Machine } from '../../src/lab/machines/machine.js';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import { run } from '../../src/process/run.js';
import { Operator } from '../helpers/machines-operator.js';
import { giveTpm, installTpmTools } from '../helpers/machines-tpm.js';
import { machinesNeed, testMachines } from '../helpers/machines.js';
import { requires } from '../helpers/requires.js';
import { measured } from '../helpers/secret-fleet.js';
import type { SoftwareTpm } from '../helpers/swtpm.js';
import { TpmMaker } from '../helpers/swtpm.js';

const needs = requires('swtpm', 'age');
const value = 'plain-5f2d77c1-text\nand a second line\n';
const digest = createHash('sha256').update(value).digest('hex');

/** Reads its credential when it starts, and leaves only the digest of what it read. */
const unit = (name: string): string => `[Unit]
After=edgectl-secrets.service
[Service]
Type=oneshot
RemainAfterExit=yes
User=nobody
RuntimeDirectory=${name}
LoadCredential=db-password:/run/edgectl/credentials.sock
ExecStart=/bin/sh -c 'sha256sum < "$CREDENTIALS_DIRECTORY/db-password" > /run/${name}/digest'
[Install]
WantedBy=multi-user.target
`;

describe.skipIf(machinesNeed.skip || needs.skip)('secrets on systemd machines with a TPM each', () => {
  let lab: MachinesLab;
  let operator: Operator;
  let maker: TpmMaker;
  let tpm: SoftwareTpm;
  let other: SoftwareTpm;
  let node: Machine;
  let clone: Machine;

  beforeAll(async () => {
    lab = await testMachines({ count: 2, prefix: 'seal' });
    [node, clone] = lab.nodes as [Machine, Machine];
    maker = await TpmMaker.create();
    for (const machine of lab.nodes) await installTpmTools(machine);
    tpm = await giveTpm(node, maker);
    other = await giveTpm(clone, maker);
    for (const each of [tpm, other]) await each.run('tpm2_pcrextend', measured);
    operator = new Operator(lab);
    await operator.takeOver();
    await maker.pinIn(path.join(operator.fleetDir, 'trust/tpm-ca'));
    const recipients = await Promise.all(
      ['one', 'two'].map(async () => /age1\S+/.exec((await run(['age-keygen'])).stdout)?.[0] ?? ''),
    );
    await operator.must('keys', 'init', '--secrets', ...recipients.flatMap((each) => ['--recovery', each]));
    for (const [name, text] of [
      ['pos', unit('pos')],
      ['stranger', unit('stranger')],
    ] as const)
      // prettier-ignore
      await writeFile(path.join(node.root, 'etc/systemd/system', `${name}.service`), text);
    await node.sh('systemctl daemon-reload && systemctl enable pos.service stranger.service');
  });
  afterAll(async () => {
    await lab?.stop();
    await maker?.remove();
  });

  it('are enrolled, set and pushed; a service reads one as its credential, and another service does not', async () => {
    const enrolled = await operator.must<{ nodes: { class: string }[] }>('node', 'enroll', node.id, clone.id, '--yes');
    expect(enrolled.nodes.map((each) => each.class)).toEqual(['tpm', 'tpm']);
    const set = await operator.feed(value, 'secret', 'set', 'db-password', '--for', node.id, '--unit', 'pos.service');
    expect(set.exitCode, set.stderr).toBe(0);
    await operator.must('secret', 'push', node.id);
    expect(await node.sh('stat -f -c %T /run/edgectl/secrets; stat -c "%a %u" /run/edgectl/secrets/db-password')).toBe(
      'ramfs\n400 0\n',
    );
    await node.sh('systemctl restart pos.service');
    expect(await node.sh('cat /run/pos/digest')).toBe(`${digest}  -\n`);
    // A socket cannot tell systemd that it refuses: the credential is there and empty.
    await node.sh('systemctl restart stranger.service');
    expect(await node.sh('cat /run/stranger/digest')).toBe(`${createHash('sha256').digest('hex')}  -\n`);
    expect(await node.sh('cat /var/lib/edgectl/secrets/audit')).toContain('"what":"refused","name":"db-password"');
  });

  it('are read after a reboot with nobody connected, and with the cable cut', async () => {
    await node.powerOff();
    await tpm.powerOff();
    await tpm.powerOn();
    await tpm.run('tpm2_pcrextend', measured);
    await node.boot();
    expect(await node.sh('systemctl is-active edgectl-secrets.service pos.service')).toBe('active\nactive\n');
    expect(await node.sh('cat /run/pos/digest')).toBe(`${digest}  -\n`);
    await node.partition();
    try {
      await node.sh('systemctl stop pos.service edgectl-secrets.service && umount /run/edgectl/secrets');
      await node.sh('systemctl start edgectl-secrets.service pos.service');
      expect(await node.sh('cat /run/pos/digest')).toBe(`${digest}  -\n`);
      expect(await node.sh('sha256sum < /run/edgectl/secrets/db-password')).toBe(`${digest}  -\n`);
    } finally {
      await node.reconnect();
    }
  });

  it('are read by a container from the directory in memory', async () => {
    const root = '/srv/reader';
    await node.sh(`mkdir -p ${root}/bin ${root}/run/secrets && cp /bin/busybox ${root}/bin/`);
    const read = await node.sh(
      `ctr run --rm --mount type=bind,src=/run/edgectl/secrets,dst=/run/secrets,options=rbind:ro --rootfs ${root} reader /bin/busybox sha256sum /run/secrets/db-password`,
      { timeoutMs: 120_000 },
    );
    expect(read).toContain(digest);
  });

  it('do not open on another machine to which the disk was copied', async () => {
    await mkdir(path.join(clone.root, 'var/lib/edgectl/secrets'), { recursive: true });
    await cp(path.join(node.root, 'var/lib/edgectl/secrets'), path.join(clone.root, 'var/lib/edgectl/secrets'), {
      recursive: true,
      verbatimSymlinks: true,
      force: true,
    });
    await clone.sh(`sed -i 's/^node=.*/node=${node.id}/' /etc/edgectl/node.conf`);
    const opened = await clone.exec(['/usr/local/sbin/edgectl-node', 'secrets-open']);
    expect(opened.status).toBe(1);
    expect(opened.stderr).toContain('does not load on this TPM (0x1df)');
  });

  it('are in the clear nowhere but in memory; the same search finds a planted one', async () => {
    const needle = value.slice(0, 19);
    // The needle comes on standard input: in an argument it would find itself.
    const search = async (): Promise<string> =>
      (
        await node.exec(
          [
            'sh',
            '-c',
            'cat > /run/needle; { grep -rlF -f /run/needle --exclude-dir=proc --exclude-dir=sys --exclude-dir=run --exclude-dir=dev / ; grep -lF -f /run/needle /proc/[0-9]*/environ /proc/[0-9]*/cmdline; journalctl -o cat | grep -cF -f /run/needle | grep -v "^0$"; find / -xdev -type f -name "core*" -size +0 -path "*coredump*"; } 2>/dev/null; rm /run/needle',
          ],
          { input: needle, timeoutMs: 300_000 },
        )
      ).stdout;
    expect(await search()).toBe('');
    await node.exec(['sh', '-c', 'cat > /var/lib/edgectl/planted; logger -t planted < /var/lib/edgectl/planted'], {
      input: value,
    });
    await node.sh('journalctl --sync');
    const found = await search();
    expect(found).toContain('/var/lib/edgectl/planted');
    expect(found.trim().split('\n').at(-1)).toMatch(/^[1-9]/);
  });

  it('are gone with everything else after an eject', async () => {
    await operator.must('node', 'eject', node.id, '--yes');
    expect(
      await node.sh(
        'ls /etc/systemd/system | grep -c edgectl || true; findmnt -n /run/edgectl/secrets || true; ls -d /var/lib/edgectl/secrets 2>/dev/null || true',
      ),
    ).toBe('0\n');
  });
});
