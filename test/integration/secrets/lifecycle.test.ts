import { execFileSync } from 'node:child_process';
import { cp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { requires } from '../../helpers/requires.js';
import type { SecretFleet } from '../../helpers/secret-fleet.js';
import { measured, secretFleet } from '../../helpers/secret-fleet.js';

const needs = requires('swtpm', 'age', 'ssh-keygen');
/** Bytes that a text tool would spoil. */
const first = Buffer.concat([Buffer.from('first-0c4f\0value\n\n'), Buffer.from([0xff, 0xfe, 0x0d, 0x0a])]);
const second = Buffer.from('second-7be1 value');
const third = Buffer.from('third-99d0 value\n');

describe.skipIf(needs.skip)('a secret from the operator to the node', { timeout: 1_200_000 }, () => {
  let fleet: SecretFleet;
  let node: string;
  let away: string;

  beforeAll(async () => {
    fleet = await secretFleet(2);
    [node = '', away = ''] = fleet.nodes;
  }, 1_200_000);
  afterAll(async () => {
    await fleet?.close();
  });

  const opened = (of = node): Promise<Buffer> => readFile(fleet.nodeFile(of, 'run/edgectl/secrets/db'));
  const state = (of: string): string => fleet.nodeFile(of, 'var/lib/edgectl/secrets');
  /** The machine and its TPM lose power; its firmware measures what it always does. */
  const powerCycle = async (of: string): Promise<void> => {
    const tpm = fleet.tpms[fleet.nodes.indexOf(of)];
    await fleet.edgectl('lab', 'break', of, '--how', 'power-cut');
    await tpm?.powerOff();
    await tpm?.powerOn();
    await tpm?.run('tpm2_pcrextend', measured);
    await fleet.edgectl('lab', 'heal', of);
  };

  it('is refused before a node is enrolled, and enrolling proves the TPM by its maker', async () => {
    const early = await fleet.feedJson(first, 'secret', 'set', 'db', '--for', 'all');
    expect(early.error?.code).toBe('NODE_NOT_ENROLLED');
    const { envelope, exitCode } = await fleet.json('node', 'enroll', node, away, '--yes');
    expect(exitCode, JSON.stringify(envelope)).toBe(0);
    for (const each of envelope.result.nodes) expect(each).toMatchObject({ class: 'tpm', maker: 'CN=swtpm-localca' });
    const record = await readFile(path.join(fleet.dir, 'enrolled', `${node}.json`), 'utf8');
    expect(JSON.parse(record).record).toMatchObject({ node, class: 'tpm', policies: [{ pcrs: [7] }] });
  });

  it('arrives byte for byte, readable by its owner only, and opens after a power cut with nobody connected', async () => {
    const set = await fleet.feedJson(first, 'secret', 'set', 'db', '--for', 'all');
    expect(set.result).toMatchObject({ generation: 1, sealed: [node, away].sort() });
    const { envelope, exitCode } = await fleet.json('secret', 'push', node);
    expect(exitCode, JSON.stringify(envelope)).toBe(0);
    expect(envelope.result.nodes).toMatchObject([{ node, delivered: ['db'], secrets: { db: { opens: true } } }]);
    expect(await opened()).toEqual(first);
    expect((await stat(fleet.nodeFile(node, 'run/edgectl/secrets/db'))).mode & 0o777).toBe(0o400);
    await powerCycle(node);
    expect(await opened()).toEqual(first);
  });

  it('is not sent twice, and the list says who is behind', async () => {
    const again = await fleet.json('secret', 'push', node);
    expect(again.envelope.result.nodes).toMatchObject([{ node, delivered: [] }]);
    const { envelope } = await fleet.json('secret', 'list');
    const states = Object.fromEntries(
      envelope.result.secrets.map((row: { node: string; state: string }) => [row.node, row.state]),
    );
    expect(states).toEqual({ [node]: 'proven', [away]: 'pending' });
    const names = await fleet.edgectl('secret', 'list', '--behind', '-o', 'name');
    expect(names.stdout).toBe(`${away}/db\n`);
  });

  it('leaves a node that is off alone, says so, and brings it only the last of two generations', async () => {
    await fleet.json('secret', 'push', away);
    expect(await opened(away)).toEqual(first);
    await cp(state(node), `${state(node)}.backup`, { recursive: true, verbatimSymlinks: true });
    await fleet.edgectl('lab', 'break', away, '--how', 'offline');
    for (const value of [second, third]) {
      await fleet.feedJson(value, 'secret', 'rotate', 'db');
      const push = await fleet.json('secret', 'push', '--all', '--yes');
      expect(push.exitCode).toBe(3);
      const ends = push.envelope.result.nodes as { node: string; verdict: string }[];
      expect(Object.fromEntries(ends.map((end) => [end.node, end.verdict]))).toEqual({
        [node]: 'ok',
        [away]: 'unreachable',
      });
    }
    expect(await opened()).toEqual(third);
    expect(await opened(away)).toEqual(first);
    await fleet.edgectl('lab', 'heal', away);
    const rest = await fleet.json('secret', 'push', '--all', '--yes');
    expect(rest.exitCode, JSON.stringify(rest.envelope)).toBe(0);
    expect(await opened(away)).toEqual(third);
    expect(await readdir(path.join(state(away), 'store/db'))).toEqual(['current', 'gen-3']);
  });

  it('does not open any more in its older generation, also from a backup of the node’s disk', async () => {
    const now = `${state(node)}.now`;
    await cp(state(node), now, { recursive: true, verbatimSymlinks: true });
    await rm(state(node), { recursive: true });
    await cp(`${state(node)}.backup`, state(node), { recursive: true, verbatimSymlinks: true });
    try {
      const old = await fleet.kit(node, 'secrets-open');
      expect(old.status).toBe(1);
      expect(old.stderr).toContain('the generation is revoked');
      // And not by taking the newer policies and manifests along: what closes it is in the sealed key itself.
      await cp(path.join(now, 'policies'), path.join(state(node), 'policies'), { recursive: true });
      expect((await fleet.kit(node, 'secrets-open')).status).toBe(1);
      await expect(opened()).resolves.not.toEqual(first);
    } finally {
      await rm(state(node), { recursive: true });
      await cp(now, state(node), { recursive: true, verbatimSymlinks: true });
    }
    expect((await fleet.kit(node, 'secrets-open')).status).toBe(0);
    expect(await opened()).toEqual(third);
  });

  it('opens on no other TPM, to which the whole disk was copied', async () => {
    const [own, other] = fleet.tpms;
    if (own === undefined || other === undefined) throw new Error('two TPMs');
    await fleet.give(node, other);
    try {
      const cloned = await fleet.kit(node, 'secrets-open');
      expect(cloned.status).toBe(1);
      expect(cloned.stderr).toContain('does not load on this TPM (0x1df)');
    } finally {
      await fleet.give(node, own);
    }
    expect((await fleet.kit(node, 'secrets-open')).status).toBe(0);
  });

  it('keeps others open when one of them is rotated', async () => {
    const other = Buffer.from('the other one');
    await fleet.feedJson(other, 'secret', 'set', 'token', '--for', node, '--mode', '0440');
    await fleet.feedJson(first, 'secret', 'rotate', 'db');
    expect((await fleet.json('secret', 'push', node)).exitCode).toBe(0);
    await fleet.feedJson(second, 'secret', 'rotate', 'db');
    const push = await fleet.json('secret', 'push', node);
    expect(push.envelope.result.nodes[0].secrets).toMatchObject({ db: { opens: true }, token: { opens: true } });
    await powerCycle(node);
    expect(await opened()).toEqual(second);
    expect(await readFile(fleet.nodeFile(node, 'run/edgectl/secrets/token'))).toEqual(other);
  });

  it('is taken away, and what a node had never opens again', async () => {
    const kept = `${state(node)}.token`;
    await cp(path.join(state(node), 'store/token'), kept, { recursive: true, verbatimSymlinks: true });
    expect((await fleet.json('secret', 'rm', 'token', '--yes')).exitCode).toBe(0);
    expect((await fleet.json('secret', 'push', node)).exitCode).toBe(0);
    await expect(stat(fleet.nodeFile(node, 'run/edgectl/secrets/token'))).rejects.toThrow(/ENOENT/);
    expect((await fleet.json('secret', 'list')).envelope.result.secrets).not.toContainEqual(
      expect.objectContaining({ secret: 'token' }),
    );
    await rm(path.join(state(node), 'store/token'), { recursive: true });
    await cp(kept, path.join(state(node), 'store/token'), { recursive: true, verbatimSymlinks: true });
    expect((await fleet.kit(node, 'secrets-open')).stderr).toContain('token: the generation is revoked');
    await rm(path.join(state(node), 'store/token'), { recursive: true });
  });

  it('opens with each recovery identity, byte for byte, and with the stock age', async () => {
    for (const identity of fleet.recovery) {
      const recovered = await fleet.feed(Buffer.alloc(0), 'secret', 'recover', 'db', '--identity', identity);
      expect(recovered.stdout).toEqual(second);
      const bundle = path.join(fleet.dir, 'secrets/db', '5', 'bundle.age');
      expect(execFileSync('age', ['-d', '-i', identity, bundle])).toEqual(second);
    }
    const stranger = path.join(fleet.home, 'stranger');
    execFileSync('age-keygen', ['-o', stranger], { stdio: 'ignore' });
    const refused = await fleet.feed(Buffer.alloc(0), 'secret', 'recover', 'db', '--identity', stranger);
    expect(refused).toMatchObject({ exitCode: 4, stdout: Buffer.alloc(0) });
  });

  it('is refused when it is empty or too large, and names that are no file names too', async () => {
    const set = async (value: Buffer, name = 'x'): Promise<string | undefined> =>
      (await fleet.feedJson(value, 'secret', 'set', name, '--for', node)).error?.code;
    expect(await set(Buffer.alloc(0))).toBe('SECRET_INPUT');
    expect(await set(Buffer.alloc(64 * 1024 + 1, 'x'))).toBe('SECRET_INPUT');
    expect(await set(first, '../x')).toBe('USAGE');
    expect((await fleet.feedJson(first, 'secret', 'rotate', 'nothing')).error?.code).toBe('SECRET_NOT_FOUND');
    const largest = Buffer.alloc(64 * 1024, 'ab\0\n');
    await fleet.feedJson(largest, 'secret', 'set', 'largest', '--for', node);
    expect((await fleet.json('secret', 'push', node)).exitCode).toBe(0);
    expect(await readFile(fleet.nodeFile(node, 'run/edgectl/secrets/largest'))).toEqual(largest);
  });

  it('leaves no plaintext behind, and the same search finds a planted one', async () => {
    // The sandbox's memory is a directory in /dev/shm, outside of what is searched: it is the one place where it may be.
    const search = async (): Promise<string[]> => {
      const found: string[] = [];
      for (const dir of [fleet.home, fleet.maker.dir]) {
        for (const each of await readdir(dir, { recursive: true, withFileTypes: true })) {
          if (!each.isFile()) continue;
          const file = path.join(each.parentPath, each.name);
          const bytes = await readFile(file).catch(() => Buffer.alloc(0));
          if ([first, second, third].some((value) => bytes.includes(value.subarray(0, 10)))) found.push(file);
        }
      }
      return found;
    };
    expect(await search()).toEqual([]);
    const planted = fleet.nodeFile(node, 'var/lib/edgectl/secrets/planted');
    await writeFile(planted, Buffer.concat([Buffer.alloc(70_000), second]));
    expect(await search()).toEqual([planted]);
    await rm(planted);
  });
});
