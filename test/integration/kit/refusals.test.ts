import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, KitShell, SandboxNode } from '../../helpers/kit-sandbox.js';
import { createSandboxNode, must, toyDriver, toyScript, veto } from '../../helpers/kit-sandbox.js';
import type { KitAuthority, KitBundle } from '../../helpers/kit-signer.js';
import { KitSigner, manifest, put, sha256, tarOf } from '../../helpers/kit-signer.js';
import { requires } from '../../helpers/requires.js';

const need = requires('ssh-keygen', 'busybox', 'dash');
const shells: KitShell[] = ['dash', 'bash', 'busybox'];

describe.skipIf(need.skip).each(shells)('the node itself refuses, under %s', (shell) => {
  let node: SandboxNode;
  let stranger: KitSigner;
  let good: KitBundle;

  beforeAll(async () => {
    node = await createSandboxNode({ shell });
    stranger = new KitSigner(join(node.base, 'stranger'));
    good = node.runtime('2.0');
  });
  afterAll(async () => {
    await node.close();
  });

  /** Everything durable and volatile that a refused request must leave alone. */
  const state = (): unknown => {
    const list = (rel: string): string[] => {
      try {
        return readdirSync(node.path(rel)).sort();
      } catch {
        return [];
      }
    };
    const link = (rel: string): string => {
      try {
        return readlinkSync(node.path(rel));
      } catch {
        return '';
      }
    };
    return {
      committed: link('var/lib/edgectl/committed'),
      active: link('run/edgectl/active'),
      generations: list('var/lib/edgectl/gen'),
      store: list('var/lib/edgectl/store'),
      runs: list('var/lib/edgectl/runs'),
      tx: list('var/lib/edgectl/tx'),
      dropIns: list('etc/lab-init/units/toy.service.d'),
      links: list('usr/local/bin'),
      timers: node.init.timers(),
    };
  };
  const refused = async (code: string, act: () => Promise<Answer>): Promise<Answer> => {
    const before = state();
    const answer = await act();
    expect({ code: answer.code, reason: answer.reason }).toMatchObject({ code });
    expect(answer.status).toBe(['PROTOCOL', 'PREFLIGHT', 'VETO', 'UNKNOWN_STEP'].includes(code) ? 1 : 4);
    expect(state()).toEqual(before);
    return answer;
  };
  const offerSlice = async (authority: KitAuthority): Promise<Answer> =>
    node.slice(await node.lease(authority.run), authority);
  const resign = (authority: KitAuthority, slice: string, statement = authority.statement): KitAuthority => ({
    ...authority,
    slice,
    statement,
    signature: node.signer.sign('edgectl-plan', statement),
  });

  it('a plan signed by a key that it does not know', async () => {
    const authority = node.update([good]);
    await refused('BAD_SIGNATURE', () =>
      offerSlice({ ...authority, signature: stranger.sign('edgectl-plan', authority.statement) }),
    );
  });

  it('a plan signed by a known key for another purpose', async () => {
    const authority = node.update([good]);
    await refused('BAD_SIGNATURE', () =>
      offerSlice({ ...authority, signature: node.signer.sign('edgectl-runtime', authority.statement) }),
    );
  });

  it('a plan without a signature', async () => {
    await refused('BAD_SIGNATURE', () => offerSlice({ ...node.update([good]), signature: '' }));
  });

  it('a slice that was edited after the plan was signed', async () => {
    const authority = node.update([good]);
    await refused('BAD_PROOF', () =>
      offerSlice({ ...authority, slice: authority.slice.replace('health.passes=2', 'health.passes=1') }),
    );
  });

  it('a proof of somewhere else', async () => {
    await refused('BAD_PROOF', () => offerSlice({ ...node.update([good]), proof: `L ${sha256('x')}\n` }));
    await refused('BAD_PROOF', () => offerSlice({ ...node.update([good]), proof: 'U 12\n' }));
  });

  it('the slice of another node of the same plan', async () => {
    const other = node.signer.authority('edge-002', 'run-other', { 'want.toy': `2.0 ${good.digest}` });
    await refused('WRONG_NODE', () => offerSlice(other));
  });

  it('the slice of another fleet', async () => {
    await refused('WRONG_FLEET', () => offerSlice(node.update([good], { fleet: 'fleet-else' })));
  });

  it('a slice that has expired', async () => {
    await refused('EXPIRED', () => offerSlice(node.update([good], { expires: 1_720_000_000 })));
  });

  it.each([
    ['is not sorted', (text: string) => text.replace(/^(.*\n)(.*\n)/, '$2$1')],
    ['names a key twice', (text: string) => text.replace(/(kind=update\n)/, '$1$1')],
    ['does not end its last line', (text: string) => text.slice(0, -1)],
    ['has an unknown kind', (text: string) => text.replace('kind=update', 'kind=shell')],
    ['has a duration that is no number', (text: string) => text.replace('health.cap=15', 'health.cap=$(id)')],
    ['wants a path for a component', (text: string) => text.replace('want.toy', 'want.../toy')],
    ['wants a version with a slash', (text: string) => text.replace('=2.0 ', '=2/0 ')],
    ['holds a control character', (text: string) => text.replace('kind=update', 'kind=update\t')],
  ])('a slice that %s', async (_what, edit) => {
    const authority = node.update([good]);
    await refused('BAD_SLICE', () => offerSlice(resign(authority, edit(authority.slice))));
  });

  it('a slice whose series is not the statement’s', async () => {
    const authority = node.update([good]);
    const statement = authority.statement.replace(/series=\d+/, 'series=999999');
    await refused('BAD_SLICE', () => offerSlice(resign(authority, authority.slice, statement)));
  });

  it('changing verbs without a lease, with an old token, with another run’s token', async () => {
    const authority = node.update([good]);
    await refused('FENCED', () => node.slice('', authority));
    const old = await node.lease(authority.run);
    await node.lease(authority.run);
    await refused('FENCED', () => node.slice(old, authority));
    const other = node.update([good]);
    const token = await node.lease(other.run);
    await refused('FENCED', () => node.slice(token, authority));
    for (const verb of ['adopt', 'run', 'confirm', 'revert', 'undeny', 'eject', 'gc'])
      await refused('FENCED', () => node.call(verb, { run: authority.run, step: `${authority.run}/${node.id}/1/1` }));
  });

  it('bundles and runs for which no slice was accepted', async () => {
    const run = 'run-without';
    const token = await node.lease(run);
    await refused('NO_SLICE', () => node.call('stage', { op: 'offer', run, token, component: 'toy' }));
    await refused('NO_SLICE', () => node.call('adopt', { run, token }));
    await refused('NO_SLICE', () =>
      node.call('run', { run, token, step: `${run}/${node.id}/1/1`, nonce_sha256: sha256('x') }),
    );
  });

  describe('bundles', () => {
    const staged = async (bundle: KitBundle): Promise<Answer> => {
      const authority = node.update([bundle]);
      const token = await node.lease(authority.run);
      must(await node.slice(token, authority));
      const before = state();
      const answer = await node.stage(token, authority.run, bundle);
      expect(state()).toEqual(before);
      return answer;
    };
    const source = (): string => {
      const dir = mkdtempSync(join(node.base, 'bad-'));
      put(join(dir, 'files', 'bin', 'toy'), toyScript('9'), 0o755);
      put(join(dir, 'driver'), toyDriver);
      return dir;
    };
    const packed = (dir: string): KitBundle => node.signer.signBytes(tarOf(dir), 'toy', '9');

    it('whose bytes are others than the slice wants, naming both digests', async () => {
      const other = node.runtime('2.1');
      const answer = await staged({ ...good, bytes: other.bytes });
      expect(answer.code).toBe('DIGEST_MISMATCH');
      expect(answer.reason).toContain(good.digest);
      expect(answer.reason).toContain(other.digest);
    });

    it('whose statement is signed by somebody else', async () => {
      const answer = await staged({ ...good, signature: stranger.sign('edgectl-runtime', good.statement) });
      expect(answer.code).toBe('BAD_SIGNATURE');
    });

    it('whose statement is of another version or architecture', async () => {
      const other = good.statement.replace('version=2.0', 'version=3.0');
      expect(
        (await staged({ ...good, statement: other, signature: node.signer.sign('edgectl-runtime', other) })).code,
      ).toBe('BAD_BUNDLE');
      const arch = process.arch === 'arm64' ? 'amd64' : 'arm64';
      const foreign = node.signer.signBytes(good.bytes, 'toy', '2.0', { arch });
      expect((await staged(foreign)).code).toBe('WRONG_ARCH');
    });

    it('that are not archives', async () => {
      const html = node.signer.signBytes(Buffer.from('<html>404</html>'), 'toy', '9');
      expect((await staged(html)).code).toBe('BAD_BUNDLE');
    });

    it('that hold a file which MANIFEST does not name', async () => {
      const dir = source();
      writeFileSync(join(dir, 'MANIFEST'), manifest(dir));
      put(join(dir, 'files', 'bin', 'extra'), 'x');
      expect((await staged(packed(dir))).code).toBe('BAD_BUNDLE');
    });

    it('in which a file differs from MANIFEST, by content or by mode', async () => {
      const dir = source();
      writeFileSync(join(dir, 'MANIFEST'), manifest(dir).replace(/^[0-9a-f]{64}/m, sha256('else')));
      expect((await staged(packed(dir))).code).toBe('BAD_BUNDLE');
      writeFileSync(join(dir, 'MANIFEST'), manifest(dir).replace(' 755 ', ' 4755 '));
      expect((await staged(packed(dir))).code).toBe('BAD_BUNDLE');
    });

    it('that hold a hard link, a link out of themselves, or a path that climbs', async () => {
      const hard = source();
      linkSync(join(hard, 'files', 'bin', 'toy'), join(hard, 'files', 'bin', 'toy2'));
      writeFileSync(join(hard, 'MANIFEST'), manifest(hard));
      expect((await staged(packed(hard))).code).toBe('BAD_BUNDLE');
      const out = source();
      execFileSync('ln', ['-s', '/etc/passwd', join(out, 'files', 'bin', 'out')]);
      writeFileSync(join(out, 'MANIFEST'), manifest(out));
      expect((await staged(packed(out))).code).toBe('BAD_BUNDLE');
      const climb = source();
      writeFileSync(join(climb, 'MANIFEST'), manifest(climb));
      mkdirSync(join(climb, 'x'));
      const bytes = execFileSync('tar', [
        '--format=ustar',
        '-P',
        '--transform',
        's,^x,../../escaped,',
        '-czf',
        '-',
        '-C',
        climb,
        'MANIFEST',
        'driver',
        'files',
        'x',
      ]);
      expect((await staged(node.signer.signBytes(bytes, 'toy', '9'))).code).toBe('BAD_BUNDLE');
      expect(readdirSync(node.path('var/lib/edgectl'))).not.toContain('escaped');
    });
  });

  describe('before a transaction', () => {
    const run = async (bundle: KitBundle): Promise<Answer> => {
      const authority = node.update([bundle]);
      const token = await node.lease(authority.run);
      must(await node.slice(token, authority));
      must(await node.stage(token, authority.run, bundle));
      const before = state();
      const { answer } = await node.begin(authority.run, token);
      expect(state()).toEqual(before);
      return answer;
    };

    it('a runtime for whose service there is no unit', async () => {
      const bundle = node.runtime('4.0', { driver: toyDriver.replaceAll('toy.service', 'nowhere.service') });
      expect(await run(bundle)).toMatchObject({
        code: 'PREFLIGHT',
        reason: expect.stringMatching(/^service: /) as string,
      });
    });

    it('a unit that would kill its workloads', async () => {
      put(node.path('etc/lab-init/units/strict.service.unit'), 'exec=/bin/true\nkill=group\n');
      const bundle = node.runtime('4.1', { driver: toyDriver.replaceAll('toy.service', 'strict.service') });
      expect(await run(bundle)).toMatchObject({
        code: 'PREFLIGHT',
        reason: expect.stringMatching(/^kill-mode: /) as string,
      });
    });

    it('a class that it cannot take back, because it does not say where its state lies', async () => {
      const bundle = node.runtime('4.2', { driver: toyDriver.replace('class=B', 'class=C') });
      expect(await run(bundle)).toMatchObject({
        code: 'PREFLIGHT',
        reason: expect.stringMatching(/^class: /) as string,
      });
    });

    it('what a local veto forbids, with its reason', async () => {
      veto(node, 'till', 'echo "the till is open"; exit 1');
      expect(await run(node.runtime('4.3'))).toMatchObject({ code: 'VETO', reason: 'till: the till is open' });
      veto(node, 'till', 'exit 0');
    });
  });

  it('a slice that is older than one it has accepted, and a series that is older than what it has committed', async () => {
    const older = node.update([good]);
    const newer = node.update([good]);
    const token = await node.lease(newer.run);
    must(await node.slice(token, newer));
    await refused('SUPERSEDED', () => offerSlice(older));
    const started = await node.start(node.update([good]), [good]);
    must(started.answer);
    await node.reach(started, 'AWAIT');
    must(await node.confirm(started));
    const stale = node.update([good], { series: 900 });
    await refused('OLD_SERIES', () => offerSlice(stale));
  });
});
