import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { KitShell, SandboxNode, Started } from '../../helpers/kit-sandbox.js';
import { createSandboxNode, must, toyDriver } from '../../helpers/kit-sandbox.js';
import type { KitBundle } from '../../helpers/kit-signer.js';
import { KitSigner } from '../../helpers/kit-signer.js';
import { answering, kitBundle, replaced } from '../../helpers/kit-upgrade.js';
import { requires } from '../../helpers/requires.js';

const need = requires('ssh-keygen', 'dash', 'busybox');
const quick = { 'health.window': 1, 'health.passes': 2, 'health.cap': 15, 'confirm.window': 20 };

describe.skipIf(need.skip)('a new node kit', () => {
  const base = mkdtempSync(join(tmpdir(), 'kit-upgrade-'));
  const signer = new KitSigner(join(base, 'keys'));
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  const onNode = async (shell: KitShell, test: (node: SandboxNode) => Promise<void>): Promise<void> => {
    const node = await createSandboxNode({ shell, signer, base: mkdtempSync(join(base, 'n-')) });
    try {
      await test(node);
    } finally {
      await node.close();
    }
  };
  const begin = (node: SandboxNode, bundle: KitBundle, values = {}): Promise<Started> =>
    node.start(node.update([bundle], { ...quick, ...values }), [bundle]);
  const isOld = async (node: SandboxNode): Promise<void> => {
    expect(await answering(node)).toBe('0.1.0');
    expect(node.init.timers()).toEqual([]);
    // Not only its name: it carries a change of a runtime out.
    await node.carryOut(node.runtime('2.0'));
    expect(node.running()).toBe('2.0');
  };

  it.concurrent.each(['dash', 'bash', 'busybox'] as const)(
    'under %s is confirmed through itself, decided by the old one, and goes back to it',
    (shell) =>
      onNode(shell, async (node) => {
        const entry = readFileSync(node.path('usr/local/sbin/edgectl-node'), 'utf8');
        const started = await begin(node, await kitBundle(node, '0.2.0', { shell }));
        const pid = node.init.units()['edgectl-tx']?.pid ?? 0;
        expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain('/store/kit/0-adopted-');
        await node.reach(started, 'AWAIT');
        expect(await answering(node)).toBe('0.2.0');
        expect(must(await node.confirm(started)).lines[0]).toMatchObject({ state: 'COMMIT' });
        expect(await answering(node)).toBe('0.2.0');
        expect(readFileSync(node.path('usr/local/sbin/edgectl-node'), 'utf8')).toBe(entry);

        await node.carryOut(node.runtime('2.0'));
        expect(node.running()).toBe('2.0');
        await node.init.powerCut();
        await node.init.boot();
        expect(await answering(node)).toBe('0.2.0');

        const { lines } = must(await node.call('status', { run: started.run, step: started.step }));
        const tx = lines.find((line) => line.t === 'tx') as
          { replaced?: Record<string, { digest: string }> } | undefined;
        const wants = { 'want.kit': `0.1.0 ${tx?.replaced?.['kit']?.digest}`, kind: 'rollback', ...quick };
        const back = await node.start(signer.authority(node.id, 'run-back', wants), []);
        await node.reach(back, 'AWAIT');
        must(await node.confirm(back));
        expect(await answering(node)).toBe('0.1.0');
        expect(node.running()).toBe('2.0');
      }),
    300_000,
  );

  const dispatch = '# What this very file is, wherever it lies.\n';
  const prefix = '# The prefix is what stands before the kit’s own path'.replace('’', "'");
  it.concurrent.each([
    ['has a syntax error', replaced('verb_hello() {', 'verb_hello() { fi'), 'REVERTED', 'health', 'yntax error'],
    [
      'ends with status 1 before it has said anything',
      replaced(dispatch, 'exit 1\n'),
      'ABORT',
      'preflight:version',
      'asked for its version',
    ],
    [
      'ends with status 1 when it is asked for anything',
      replaced(prefix, `exit 1\n${prefix}`),
      'REVERTED',
      'health',
      'status 1',
    ],
    [
      'speaks a protocol that the old one does not know',
      replaced('PROTOCOL_MIN=1', 'PROTOCOL_MIN=4'),
      'ABORT',
      'preflight:protocol',
      'speaks protocol 4-3',
    ],
    [
      'could never be changed again',
      replaced('PROTOCOL_MAX=3', 'PROTOCOL_MAX=1'),
      'ABORT',
      'preflight:protocol',
      'changed again',
    ],
    [
      'is for another init',
      replaced("INIT='sandbox'", "INIT='systemd'"),
      'ABORT',
      'preflight:protocol',
      'is for systemd',
    ],
    [
      'cannot verify signatures',
      replaced('sig_ok() {', 'sig_ok() {\n  return 1'),
      'REVERTED',
      'health',
      'a good signature is refused',
    ],
    [
      'takes every signature for good',
      replaced('sig_ok() {', 'sig_ok() {\n  return 0'),
      'REVERTED',
      'health',
      'something else is accepted',
    ],
  ] as const)(
    'that %s is taken back by itself',
    (_, edit, state, why, said) =>
      onNode('dash', async (node) => {
        const started = await begin(node, await kitBundle(node, '0.2.0', { edit }), { 'health.cap': 3 });
        const tx = await node.reach(started, state);
        expect([tx.why, tx.health]).toEqual([why, expect.stringContaining(said)]);
        await isOld(node);
      }),
    300_000,
  );

  it.concurrent(
    'that hangs is taken back by itself, and not tried again',
    () =>
      onNode('dash', async (node) => {
        const edit = replaced(prefix, `sleep 600 3>&-\n${prefix}`);
        const bundle = await kitBundle(node, '0.2.0', { edit });
        const started = await begin(node, bundle, { 'health.cap': 2, 'health.window': 1, 'confirm.window': 30 });
        // While the new one is on trial nobody is answered; the old one's own verbs are not in its way.
        const until = performance.now() + 120_000;
        while (/ REVERTED /.test(node.text(journalOf(started))) === false && performance.now() < until)
          await new Promise((resolve) => setTimeout(resolve, 100));
        expect(await node.reach(started, 'REVERTED')).toMatchObject({ why: 'hang' });
        const authority = node.update([bundle], quick);
        const token = await node.lease(authority.run);
        must(await node.slice(token, authority));
        expect(await node.stage(token, authority.run, bundle)).toMatchObject({ code: 'DENIED' });
        await isOld(node);
      }),
    300_000,
  );

  it.concurrent(
    'that is healthy but cannot take the confirmation is taken back at its deadline, and so is one that nobody confirms',
    () =>
      onNode('dash', async (node) => {
        const edit = replaced('verb_confirm() {', 'verb_confirm() {\n  exit 1');
        const started = await begin(node, await kitBundle(node, '0.2.0', { edit }), {
          'health.cap': 20,
          'confirm.window': 4,
        });
        await node.reach(started, 'AWAIT');
        expect(await node.confirm(started)).toMatchObject({ ok: false });
        expect(await node.reach(started, 'REVERTED')).toMatchObject({ why: 'deadline' });
        await isOld(node);
      }),
    300_000,
  );

  it.concurrent(
    'is taken back by the operator through the old one, even when the new one refuses to',
    () =>
      onNode('dash', async (node) => {
        const edit = replaced('verb_revert() {', 'verb_revert() {\n  exit 1');
        const started = await begin(node, await kitBundle(node, '0.2.0', { edit }));
        await node.reach(started, 'AWAIT');
        const { run, step, token } = started;
        expect(must(await node.call('revert', { run, step, token })).lines[0]).toMatchObject({ why: 'operator' });
        await isOld(node);
      }),
    300_000,
  );

  it.concurrent(
    'that was committed and is damaged later leaves the node to the installed one, which says so and recovers',
    () =>
      onNode('dash', async (node) => {
        await node.carryOut(await kitBundle(node, '0.2.0'));
        const dir = node.path('var/lib/edgectl/store/kit');
        const name = readdirSync(dir).find((one) => one.startsWith('0.2.0-')) ?? '';
        writeFileSync(join(dir, name, 'files/edgectl-node'), '#!/bin/sh\n', { mode: 0o755 });
        expect(await answering(node)).toBe('0.1.0');
        const doctor = must(await node.call('doctor'));
        expect(doctor.lines.find((line) => line['id'] === 'kit')).toMatchObject({
          ok: false,
          hint: 'edgectl rollout kit',
        });
        await node.init.powerCut();
        await node.init.boot();
        expect((await node.generation()).committed_components['kit']).toMatchObject({
          version: '0.1.0',
          adopted: true,
        });
        await isOld(node);
      }),
    300_000,
  );

  it.concurrent(
    'that was committed and cannot recover leaves the boot to the installed one',
    () =>
      onNode('dash', async (node) => {
        await node.carryOut(
          await kitBundle(node, '0.2.0', { edit: replaced('verb_recover() {', 'verb_recover() {\n  exit 2') }),
        );
        const { committed } = await node.generation();
        const started = await begin(node, node.runtime('2.0'));
        await node.reach(started, 'AWAIT');
        await node.init.powerCut();
        await node.init.boot();
        expect(await answering(node)).toBe('0.2.0');
        expect(await node.tx(started)).toMatchObject({ state: 'REVERTED', why: 'power' });
        const now = await node.generation();
        expect([now.committed, now.active, now.components['toy']?.version]).toEqual([
          committed + 1,
          committed + 1,
          '1.0',
        ]);
      }),
    300_000,
  );

  it.concurrent(
    'is refused unless its bundle is signed as a kit by a key that the node knows',
    () =>
      onNode('dash', async (node) => {
        const good = await kitBundle(node, '0.2.0');
        const foreign = new KitSigner(mkdtempSync(join(base, 'f-')), 'stranger');
        const hostile: [string, KitBundle][] = [
          ['unsigned', { ...good, signature: '' }],
          ['signed as a runtime', await kitBundle(node, '0.2.0', { namespace: 'edgectl-runtime' })],
          ['signed as a plan', { ...good, signature: signer.sign('edgectl-plan', good.statement) }],
          ['by a stranger', { ...good, signature: foreign.sign('edgectl-kit', good.statement) }],
        ];
        for (const [what, bundle] of hostile) {
          const authority = node.update([bundle], quick);
          const token = await node.lease(authority.run);
          must(await node.slice(token, authority));
          expect([what, await node.stage(token, authority.run, bundle)]).toMatchObject([
            what,
            { code: 'BAD_SIGNATURE', status: 4 },
          ]);
        }
        expect(readdirSync(node.path('var/lib/edgectl/store'))).toEqual([]);
        await isOld(node);
      }),
    300_000,
  );

  it.concurrent(
    'by a key that may sign runtimes only is refused, and a runtime of that key cannot get at the kit by a link',
    () =>
      onNode('dash', async (node) => {
        const few = new KitSigner(mkdtempSync(join(base, 'r-')), 'runtimes');
        const line = few.allowedSigners.replace(/namespaces="[^"]*"/, 'namespaces="edgectl-runtime"');
        writeFileSync(node.path('etc/edgectl/trust/allowed_signers'), signer.allowedSigners + line);
        const good = await kitBundle(node, '0.2.0');
        const bundle = { ...good, signature: few.sign('edgectl-kit', good.statement) };
        const authority = node.update([bundle], quick);
        const token = await node.lease(authority.run);
        must(await node.slice(token, authority));
        expect(await node.stage(token, authority.run, bundle)).toMatchObject({ code: 'BAD_SIGNATURE' });

        for (const link of [
          'link.2=/usr/local/sbin/edgectl-node bin/toy',
          'link.2=/usr/local/bin/../sbin/edgectl-node bin/toy',
        ]) {
          const toy = node.runtime('2.0', { driver: toyDriver.replace(/^(link\.1=.*)$/m, `$1\n${link}`) });
          const byFew = { ...toy, signature: few.sign('edgectl-runtime', toy.statement) };
          const wanted = node.update([byFew], quick);
          const held = await node.lease(wanted.run);
          must(await node.slice(held, wanted));
          expect(await node.stage(held, wanted.run, byFew)).toMatchObject({ code: 'BAD_BUNDLE' });
        }
        expect(await answering(node)).toBe('0.1.0');
      }),
    300_000,
  );

  it.concurrent(
    'is not changed together with a runtime',
    () =>
      onNode('dash', async (node) => {
        const both = [await kitBundle(node, '0.2.0'), node.runtime('2.0')];
        const started = await node.start(node.update(both, quick), both);
        expect(started.answer).toMatchObject({ code: 'PREFLIGHT' });
        expect(started.answer.reason).toContain('changed alone');
      }),
    300_000,
  );

  it.concurrent(
    'is not put over one that can be upgraded by node prepare, which names it instead',
    () =>
      onNode('dash', async (node) => {
        const entry = node.path('usr/local/sbin/edgectl-node');
        const text = readFileSync(entry, 'utf8');
        const newer = (await node.prepareText('install')).replace("KIT_VERSION='0.1.0'", "KIT_VERSION='0.9.0'");
        expect(must(await node.script(newer)).lines.filter((line) => line.t === 'kept')).toEqual([
          { t: 'kept', path: '/usr/local/sbin/edgectl-node', version: '0.1.0' },
        ]);
        expect(readFileSync(entry, 'utf8')).toBe(text);
        // One that does not work is replaced, as there is nothing in it that could take part.
        writeFileSync(entry, '#!/bin/sh\nexit 1\n');
        must(await node.script(newer));
        expect(execFileSync(entry, ['--version']).toString()).toContain('edgectl-node 0.9.0 ');
      }),
    300_000,
  );
});

function journalOf(started: Started): string {
  const [run, , seq, attempt] = started.step.split('/');
  return `var/lib/edgectl/tx/${run}.${seq}.${attempt}/journal`;
}
