import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseFacts } from '../../../src/facts/facts.js';
import { createNodeClient } from '../../../src/node/client.js';
import { factsScript } from '../../../src/node/prepare-script.js';
import { busyboxMachine, type BusyboxMachine } from '../../helpers/busybox-machine.js';
import { runCli } from '../../helpers/cli.js';
import { writeFleet } from '../../helpers/fleet-repo.js';
import { requires } from '../../helpers/requires.js';
import { startSshd, type TestSshd } from '../../helpers/sshd.js';
import { pinOf, TransportBench, transportKinds } from '../../helpers/transports.js';

const need = requires('root', 'busybox', 'dropbear', 'unshare', 'sshd', 'ssh');
const osRelease = 'ID=poky\nVERSION_ID=4.0\n';

describe.skipIf(need.skip)('a node with busybox and dropbear alone', () => {
  let machine: BusyboxMachine;
  beforeAll(async () => {
    machine = await busyboxMachine(osRelease);
  });
  afterAll(() => machine.stop());

  describe.each(transportKinds)('over %s', (kind) => {
    const bench = new TransportBench(kind);
    afterEach(() => bench.close());

    it('is looked at, and a command runs there', async () => {
      const target = {
        ...{ nodeId: 'box', host: '127.0.0.1', port: machine.port, user: 'root' },
        identityFiles: [machine.userKey.path],
      };
      const client = createNodeClient({ transport: bench.make(`box ${machine.hostKey}\n`), target: () => target });
      const how = { sudo: false, changing: false, timeoutMs: 60_000 };
      const answer = await client.runScript('box', await factsScript({ components: ['runc'] }), how);
      expect(answer, JSON.stringify(answer)).toMatchObject({ kind: 'ok' });
      const facts = answer.kind === 'ok' ? parseFacts(answer.lines, { kit: false, now: 0 }) : undefined;
      expect(facts).toMatchObject({ os: { id: 'poky' }, privilege: 'root', verifies: false, kit: false });
      const ran = await client.exec('box', { argv: ['echo', "it's", 'here  now'], timeoutMs: 60_000 });
      expect(ran.ok && ran.stdout.toString()).toBe("it's here  now\n");
      expect(await client.call('box', { verb: 'hello', fields: {}, timeoutMs: 60_000, fresh: true })).toMatchObject({
        kind: 'refused',
        code: 'NO_KIT',
      });
    });
  });

  describe('in edgectl fleet check --live', () => {
    let sshd: TestSshd;
    let fleet: string;
    beforeAll(async () => {
      sshd = await startSshd();
      const at = { address: '127.0.0.1', user: sshd.user };
      fleet = writeFleet({
        box: { ...at, port: machine.port, user: 'root', identity: [machine.userKey.path] },
        here: { ...at, port: sshd.port, identity: [sshd.userKey.path] },
        gone: { ...at, port: 1, identity: [sshd.userKey.path] },
      });
      writeFileSync(join(fleet, 'known_hosts'), `box ${machine.hostKey}\n${pinOf('here', sshd)}`);
    });
    afterAll(async () => {
      await sshd.stop();
      rmSync(fleet, { recursive: true, force: true });
    });
    const check = (...argv: string[]) => {
      const home = mkdtempSync(join(tmpdir(), 'edgectl-live-'));
      const env = { HOME: home, EDGECTL_FLEET: fleet, XDG_STATE_HOME: home };
      return runCli(['fleet', 'check', '--live', ...argv], { env }).finally(() => rmSync(home, { recursive: true }));
    };

    it('says what each node allows, why the rest is refused, and what nobody has tried', async () => {
      const outcome = await check('--json');
      expect(outcome.exitCode, outcome.stdout).toBe(3);
      const { nodes } = JSON.parse(outcome.stdout).result;
      expect(nodes.find(({ id }: { id: string }) => id === 'box')).toMatchObject({
        ok: true,
        system: expect.stringMatching(/^poky 4\.0 .*busybox$/u),
        abilities: [
          { what: 'look', state: 'ok' },
          {
            what: 'roll out',
            state: 'refused',
            why: [expect.stringContaining('no systemd'), expect.stringContaining('ssh-keygen')],
          },
          { what: 'call home', state: 'refused' },
        ],
        proof: { state: 'unproven', what: 'Yocto' },
      });
      expect(nodes.find(({ id }: { id: string }) => id === 'here')).toMatchObject({ ok: true });
      expect(nodes.find(({ id }: { id: string }) => id === 'gone')).toMatchObject({ ok: false, why: 'refused' });
      const text = await check('--on', 'box or here');
      expect(text.exitCode, text.stderr).toBe(0);
      for (const word of ['no systemd', 'RHEL and its kin', 'Yocto', 'SELinux enforcing', 'unproven'])
        expect(text.stdout).toContain(word);
      expect((await check('--strict', '--on', 'box')).exitCode).toBe(1);
    });
  });
});
