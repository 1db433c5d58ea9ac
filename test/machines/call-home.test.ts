import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Machine } from '../../src/lab/machines/machine.js';
import type { MachinesLab } from '../../src/lab/machines/machines.js';
import { genuineNeed, newerDeb, plain, runningVersions } from '../helpers/machines-genuine.js';
import { Operator } from '../helpers/machines-operator.js';
import { testMachines } from '../helpers/machines.js';
import { until } from '../helpers/until.js';

interface Told {
  nodes: { node: string; state: string; message: string; skip?: { state: string } }[];
}
const policy = {
  stages: [
    {
      name: 'everyone',
      budget: { groupBy: 'none', maxUnavailable: 1 },
      concurrency: 1,
      nodeDeadline: '30m',
      progressDeadline: '30m',
      offline: { mode: 'wait' },
      soak: '0s',
    },
  ],
  // Longer than the link is up: no trial gets through in one piece.
  health: { window: '12s', passes: 3, cap: '200s', confirm: '200s' },
};
/** As docs/tasks/bastions.md has it. */
const bastionSetUp = `
  groupadd --system edgectl-home
  useradd --system --gid edgectl-home --create-home --shell /bin/sh edgectl-home
  useradd --groups edgectl-home --create-home --shell /bin/sh jump
  install -d -o root -g edgectl-home -m 2770 /srv/edgectl-home
  install -d -o edgectl-home -m 700 /home/edgectl-home/.ssh
  install -d -o jump -m 700 /home/jump/.ssh
  install -o jump -m 600 /root/.ssh/authorized_keys /home/jump/.ssh/authorized_keys
  cat >/etc/ssh/sshd_config.d/edgectl-home.conf <<'END'
Match User edgectl-home
  PermitOpen none
  PermitListen none
  AllowStreamLocalForwarding remote
  StreamLocalBindUnlink yes
  StreamLocalBindMask 0117
  ClientAliveInterval 15
END
  systemctl restart ssh`;

describe.skipIf((await genuineNeed()).skip)('a machine behind NAT that calls home', () => {
  let lab: MachinesLab;
  let operator: Operator;
  let hop: Machine;
  let till: Machine;
  const id = 'home-002';
  const socket = `/srv/edgectl-home/${id}.sock`;
  beforeAll(async () => {
    lab = await testMachines({ count: 2, prefix: 'home' });
    operator = new Operator(lab);
    await operator.takeOver({ prepare: false });
    hop = lab.node('home-001');
    till = lab.node(id);
    await hop.sh(bastionSetUp);
    await fleet();
    const pins = await readFile(path.join(operator.fleetDir, 'known_hosts'), 'utf8');
    await operator.write('known_hosts', pins.replace(/^home-001 /mu, 'hop '));
    // A login that has to give a password for sudo.
    await till.sh(`useradd --create-home --shell /bin/sh ops && echo ops:"it is us" | chpasswd
      echo 'ops ALL=(ALL) ALL' >/etc/sudoers.d/ops
      install -d -o ops -m 700 /home/ops/.ssh && install -o ops -m 600 /root/.ssh/authorized_keys /home/ops/.ssh/authorized_keys`);
    await writeFile(path.join(lab.dir, 'password'), 'it is us\n', { mode: 0o600 });
  });
  afterAll(() => lab.stop());

  const fleet = async (): Promise<void> => {
    const text = await readFile(path.join(operator.fleetDir, 'fleet.yaml'), 'utf8');
    const fleetId = /^id: (.*)$/m.exec(text)?.[1] ?? '';
    const identity = lab.identityFile;
    await operator.write(
      'fleet.yaml',
      stringify({
        id: fleetId,
        name: 'home',
        defaults: { user: 'edgectl', identity },
        bastions: { hop: { address: hop.address, user: 'jump' } },
        nodes: { [id]: { address: till.address, via: 'hop', 'call-home': socket } },
      }),
    );
  };
  const login = ['--login', 'ops', '--sudo-password-file'];
  const prepare = (...more: string[]) =>
    operator.must<Told>('node', 'prepare', id, ...login, path.join(lab.dir, 'password'), '--yes', ...more);
  /** It may have been refused until its key was there, and then it asks every two minutes at most. */
  const called = async (): Promise<void> => {
    await until('it has called', async () => (await onHop(`ss -lx | grep -q ${socket}`)) === 0, {
      within: 240_000,
    }).catch(async (error: unknown) => {
      const log = await till.sh('journalctl -u edgectl-call-home -n 20 --no-pager; cat /etc/edgectl/call-home.conf');
      throw new Error(`${log}\n${await hop.sh('journalctl -u ssh -n 20 --no-pager')}`, { cause: error });
    });
  };
  const onHop = async (command: string): Promise<number | null> => (await hop.exec(['sh', '-c', command])).status;

  it('is prepared in the workshop with a key of its own, and is reached over its socket when nobody can call it', async () => {
    const first = await prepare('--direct', '--call-home', 'hop');
    expect(first.nodes, JSON.stringify(first)).toMatchObject([{ state: 'succeeded' }]);
    const again = await prepare('--direct', '--call-home', 'hop');
    expect(again.nodes).toMatchObject([{ skip: { state: 'noop' } }]);
    expect(await till.sh('stat -c "%a %U" /etc/edgectl/call-home')).toBe('600 root\n');
    const keys = await readFile(path.join(operator.fleetDir, 'call-home/hop.authorized_keys'), 'utf8');
    expect(keys.split('\n')).toHaveLength(2);
    expect(keys).toContain(`${(await till.sh('cut -d " " -f 2 /etc/edgectl/call-home.pub')).trim()} ${id}`);
    // From here on its sshd is there for itself alone.
    await till.sh('echo "ListenAddress 127.0.0.1" >/etc/ssh/sshd_config.d/nat.conf; systemctl restart ssh');
    expect((await operator.run('node', 'facts', id, '--json')).exitCode).toBe(3);
    await hop.exec(
      [
        'sh',
        '-c',
        'cat >/home/edgectl-home/.ssh/authorized_keys; chown edgectl-home /home/edgectl-home/.ssh/authorized_keys',
      ],
      { input: keys },
    );
    await called();
    const { nodes } = await operator.must<{ nodes: { id: string; kit: boolean }[] }>('node', 'facts', id);
    expect(nodes).toMatchObject([{ id, kit: true }]);
    expect(await hop.sh(`stat -c "%a %U %G" ${socket}`)).toBe('660 edgectl-home edgectl-home\n');
  });

  it('can do nothing else with its key there', async () => {
    const as = `ssh -F none -i /etc/edgectl/call-home -o BatchMode=yes -o UserKnownHostsFile=/etc/edgectl/call-home.known_hosts -o HostKeyAlias=hop -o ExitOnForwardFailure=yes -o ConnectTimeout=8 -l edgectl-home`;
    const tries = [
      `${as} ${hop.address} id`,
      `${as} -W 127.0.0.1:22 ${hop.address} </dev/null | grep SSH-`,
      `${as} -W ${socket} ${hop.address} </dev/null | grep SSH-`,
    ];
    // The key is good for what it is for.
    const own = `${as} -N -R /srv/edgectl-home/own.sock:localhost:22 ${hop.address}`;
    expect((await till.exec(['sh', '-c', `timeout 8 ${own}`])).status).toBe(124);
    // These would stay, and be ended with 124, if they were let in.
    for (const listen of ['127.0.0.1:7022', '/home/jump/other.sock']) {
      const command = `timeout 30 ${as} -N -R ${listen}:localhost:22 ${hop.address}`;
      expect([listen, (await till.exec(['sh', '-c', command])).status]).toEqual([listen, 255]);
    }
    for (const command of tries) {
      const outcome = await till.exec(['sh', '-c', `timeout 20 sh -c '${command}'`]);
      expect([command, outcome.stdout.includes('uid='), outcome.status]).toEqual([command, false, expect.any(Number)]);
      expect(outcome.status).not.toBe(0);
    }
  });

  it('finishes a rollout although its link is up for a few seconds at a time', async () => {
    const runc = await operator.pack(await newerDeb('runc'), 'runc');
    await operator.write('runtimes.yaml', stringify([runc]));
    await operator.write('policies/home.yaml', stringify(policy));
    const rollout = operator.start('rollout', 'runtime', '--policy', 'home', '--yes', '--json');
    let over = false;
    void rollout.ended.then(() => (over = true));
    let cuts = 0;
    while (!over) {
      // Up until it has called and had ten seconds; then away until the bastion has noticed or half a minute is over.
      const up = await until(
        'it has called, or it is over',
        async () => over || (await onHop(`ss -lx | grep -q ${socket}`)) === 0,
      ).then(() => Date.now());
      await until('its time is over', () => over || Date.now() - up > 10_000);
      if (over) break;
      await till.partition();
      cuts += 1;
      const down = Date.now();
      await until('its pause is over', () => over || Date.now() - down > 25_000);
      await till.reconnect();
    }
    expect(await rollout.ended, rollout.output()).toBe(0);
    expect((await runningVersions(till)).runc).toBe(plain(runc.version));
    expect(cuts).toBeGreaterThan(0);
    await operator.must('rollback', 'last', '--yes');
  });

  it('hangs up when it is given back, after its answer, and keeps nothing', async () => {
    await operator.must('node', 'eject', id, '--yes');
    await until(
      'it has hung up',
      async () => (await till.exec(['systemctl', 'is-active', '-q', 'edgectl-call-home'])).status !== 0,
    );
    await until(
      'nothing is left',
      async () =>
        (await till.sh('find / /run -xdev -iname "*edgectl*" -not -path "/proc/*" -not -path "/var/log/*"')) === '',
    );
    expect((await operator.run('node', 'facts', id, '--json')).exitCode).toBe(3);
  });
});
