import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyDir } from '../../../src/keys/signing-key.js';
import { planDigest } from '../../../src/plan/digest.js';
import { merkleRoot } from '../../../src/plan/merkle.js';
import { planStatement } from '../../../src/plan/slice.js';
import type { Plan } from '../../../src/plan/types.js';
import { labFleet, quickPolicy, type LabFleet } from '../../helpers/lab-fleet.js';
import { requires } from '../../helpers/requires.js';
import { makeKey, type KeyPair } from '../../helpers/sshd.js';

const need = requires('ssh-keygen');

/*
 * An operator's program, fleet repository and inventory are all in the wrong hands here: what the program would refuse by itself is made to
 * agree first, so that the plan comes to the node, and only the node is left to refuse.
 */
describe.skipIf(need.skip)('a node itself refuses what edgectl was made to bring', () => {
  let fleet: LabFleet;
  let nodes: string[];
  let stranger: KeyPair;

  beforeAll(async () => {
    fleet = await labFleet(2, 1);
    nodes = Object.keys(await fleet.versions());
    await fleet.want('1.1.0');
    const first = await fleet.json('rollout', 'runtime', '--policy', 'quick', '--yes');
    expect(first.exitCode, JSON.stringify(first.envelope)).toBe(0);
    stranger = makeKey(join(fleet.home, 'stranger'));
  });
  afterAll(async () => fleet?.close());

  const inRepository = (name: string): string => join(fleet.dir, name);
  const onNode = (node: string, name: string): string => join(fleet.lab, 'nodes', node, name);
  const read = (file: string): string => readFileSync(file, 'utf8');
  /** What a node has committed, and all that lies on it. */
  const state = (): unknown =>
    nodes.map((node) => ({
      committed: readlinkSync(onNode(node, 'var/lib/edgectl/committed')),
      generations: readdirSync(onNode(node, 'var/lib/edgectl/gen')).sort(),
      store: readdirSync(onNode(node, 'var/lib/edgectl/store'), { recursive: true }).sort(),
    }));
  const planned = async (version: string, on = nodes[0] as string): Promise<Plan> => {
    await fleet.want(version);
    const file = join(fleet.home, 'made.json');
    const made = await fleet.edgectl('rollout', 'runtime', '--policy', 'quick', '--on', on, '--out', file);
    expect(made.exitCode, made.stderr).toBe(0);
    return JSON.parse(read(file)) as Plan;
  };
  const goodKey = (id: string): string => join(keyDir({ env: fleet.env, homedir: fleet.home }, id), 'signing');
  /** Makes everything agree again: digest always, root and signature when there is a key to sign with. */
  const reseal = (plan: Plan, key: string | null): string => {
    const root = merkleRoot(plan.slices);
    const statement = planStatement(plan, root);
    const sign = (path: string): string =>
      execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', path, '-n', 'edgectl-plan'], {
        input: statement,
      }).toString();
    const sealed: Plan = { ...plan, authority: key === null ? null : { root, statement, signature: sign(key) } };
    const file = join(fleet.home, 'forged.json');
    writeFileSync(file, JSON.stringify({ ...sealed, digest: planDigest(sealed) }));
    return file;
  };
  /** Applies with and without --json: 4 both times, the node's own code, and nothing is another on any node. */
  const refused = async (file: string, code: string): Promise<void> => {
    const before = state();
    const { exitCode, envelope } = await fleet.json('apply', file, '--yes');
    expect(exitCode, JSON.stringify(envelope)).toBe(4);
    expect(envelope.exitCode).toBe(4);
    expect(envelope.error).toBeUndefined();
    expect(envelope.result.nodes).toMatchObject([{ node: nodes[0], why: code }]);
    const plain = await fleet.edgectl('apply', file, '--yes');
    expect([plain.exitCode, plain.stdout + plain.stderr]).toMatchObject([
      4,
      expect.stringMatching(/refused|superseded/),
    ]);
    expect(state()).toEqual(before);
  };
  const withFile = async (file: string, edit: (text: string) => string, act: () => Promise<void>): Promise<void> => {
    const before = read(file);
    writeFileSync(file, edit(before));
    try {
      await act();
    } finally {
      writeFileSync(file, before);
    }
  };
  const edited = (plan: Plan): Plan =>
    JSON.parse(
      JSON.stringify(plan)
        .replaceAll(fleet.digests['1.2.0'] as string, fleet.digests['1.3.0'] as string)
        .replaceAll('want.lab-runtime=1.2.0', 'want.lab-runtime=1.3.0'),
    ) as Plan;

  it('an edited plan file whose digest was recomputed, without its signature', async () => {
    const plan = edited(await planned('1.2.0'));
    expect(plan.slices[nodes[0] as string]).toContain(`want.lab-runtime=1.3.0 ${fleet.digests['1.3.0']}`);
    await refused(reseal(plan, null), 'BAD_SIGNATURE');
  });

  it('a plan that is signed by a key which only this repository allows', async () => {
    const line = `stranger namespaces="edgectl-plan" ${stranger.line}\n`;
    const plan = edited(await planned('1.2.0'));
    await withFile(
      inRepository('trust/allowed_signers'),
      (text) => text + line,
      () => refused(reseal(plan, stranger.path), 'BAD_SIGNATURE'),
    );
  });

  it('the slice of another node, which a false inventory leads to it', async () => {
    const plan = await planned('1.2.0');
    const swap = (text: string, left: string, right: string): string =>
      text.replaceAll(left, '\0').replaceAll(right, left).replaceAll('\0', right);
    const [first = '', second = ''] = nodes;
    const ports = [...read(inRepository('fleet.yaml')).matchAll(/port: \d+/g)].map(([port]) => port);
    const [one = '', two = ''] = ports;
    expect(ports).toHaveLength(2);
    await withFile(
      inRepository('fleet.yaml'),
      (text) => swap(text, one, two),
      () =>
        withFile(
          inRepository('known_hosts'),
          (text) => swap(text, `${first} `, `${second} `),
          () => refused(reseal(plan, goodKey(plan.fleet.id)), 'WRONG_NODE'),
        ),
    );
  });

  it('a plan for another fleet, signed by a key that is good here', async () => {
    const plan = await planned('1.2.0');
    const other = plan.fleet.id.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
    const forged = JSON.parse(JSON.stringify(plan).replaceAll(plan.fleet.id, other)) as Plan;
    await withFile(
      inRepository('fleet.yaml'),
      (text) => text.replace(plan.fleet.id, other),
      () => refused(reseal(forged, goodKey(plan.fleet.id)), 'WRONG_FLEET'),
    );
  });

  it('a plan of a run that a newer one superseded there', async () => {
    const older = await planned('1.2.0');
    writeFileSync(inRepository('policies/careful.yaml'), quickPolicy.replace('window: 2s', 'window: 9s'));
    await fleet.want('1.3.0');
    const newer = await fleet.json('rollout', 'runtime', '--policy', 'careful', '--on', nodes[0] as string, '--yes');
    expect(newer.envelope.result.counts, JSON.stringify(newer.envelope)).toMatchObject({ rolled_back: 1 });
    await refused(reseal(older, goodKey(older.fleet.id)), 'SUPERSEDED');
  });

  it('a plan of an older series than the node has committed', async () => {
    const older = await planned('1.2.0');
    await fleet.want('1.2.0');
    const newer = await fleet.json('rollout', 'runtime', '--policy', 'quick', '--on', nodes[0] as string, '--yes');
    expect(newer.exitCode, JSON.stringify(newer.envelope)).toBe(0);
    const back = await fleet.json('rollback', newer.envelope.runId as string, '--yes');
    expect(back.exitCode, JSON.stringify(back.envelope)).toBe(0);
    await refused(reseal(older, goodKey(older.fleet.id)), 'OLD_SERIES');
  });

  it('nothing less because of EDGECTL_* in the environment of its kit', () => {
    const node = nodes[0] as string;
    const kit = onNode(node, 'usr/local/sbin/edgectl-node');
    const ask = (env: Record<string, string>): unknown =>
      JSON.parse(
        `[${execFileSync(kit, ['hello'], { input: '.\n', env: { PATH: process.env['PATH'] ?? '', ...env } })
          .toString()
          .trim()
          .split('\n')
          .join(',')}]`,
      );
    const false_ = join(fleet.home, 'false-root');
    const names = ['ROOT', 'PREFIX', 'NODE', 'FLEET', 'TRUST', 'ALLOWED_SIGNERS', 'KIT', 'R', 'P', 'SKIP_VERIFY'];
    const told = ask(Object.fromEntries(names.map((name) => [`EDGECTL_${name}`, false_])));
    const drop = (lines: unknown): string => JSON.stringify(lines).replace(/"(up|now|time|clock)":[^,}]*/g, '"$1":0');
    expect(drop(told)).toBe(drop(ask({})));
    expect(JSON.stringify(told)).toContain(`"${node}"`);
    expect(JSON.stringify(told)).not.toContain(false_);
  });
});
