import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { attributeOf, attributeSections } from '../../../src/facts/attributes/table.js';
import { parseSighting } from '../../../src/facts/parse-sighting.js';
import type { Reading } from '../../../src/facts/sighting.js';
import { observeScript } from '../../../src/node/prepare-script.js';
import type { KitLine } from '../../../src/node/types.js';
import { parseAnswer } from '../../../src/node/wire.js';
import type { Answer, KitShell, SandboxNode } from '../../helpers/kit-sandbox.js';
import { createSandboxNode, must } from '../../helpers/kit-sandbox.js';
import { KitSigner, put, sha256 } from '../../helpers/kit-signer.js';
import { requires } from '../../helpers/requires.js';

const need = requires('ssh-keygen', 'busybox', 'dash');
const shells: KitShell[] = ['dash', 'bash', 'busybox'];
const base = mkdtempSync(join(tmpdir(), 'kit-observe-'));
const signer = need.skip ? undefined : new KitSigner(join(base, 'keys'));
const sections = attributeSections.map(({ section }) => section);

afterAll(() => {
  rmSync(base, { recursive: true, force: true });
});

/** What a look came to, as the operator's side reads it. */
function readings(lines: readonly KitLine[], known: Record<string, string> = {}): Record<string, Reading> {
  const now = Date.now();
  const seen = parseSighting(lines, { known, sentAt: now, receivedAt: now });
  return Object.fromEntries([...seen.sections.flatMap((one) => [...one.readings]), ...seen.volatile]);
}
const told = (lines: readonly KitLine[]): string[] =>
  lines.filter(({ t }) => t === 'section').map(({ name }) => String(name));
const digests = (lines: readonly KitLine[]): Record<string, string> =>
  Object.fromEntries(
    lines.filter(({ t }) => t === 'section').map(({ name, digest }) => [String(name), String(digest)]),
  );
const request = (known: Record<string, string>): string =>
  Object.entries(known)
    .map(([section, digest]) => `${section}:${digest}`)
    .join(',');

const asked = {
  sysctls: 'kernel.pid_max,vm.swappiness,net.ipv4.ip_forward,no.such,../../etc/passwd',
  modules: 'overlay,no-such-module',
  files: '/etc/motd\n/etc/a, b.conf\n/etc/none\n/etc\n/etc/link',
  packages: 'no-such-package',
  units: 'toy.service,nothing',
  runtimes: 'toy,absent-runtime',
  // A loaded machine is slow.
  budget: '120',
};

describe.skipIf(need.skip).each(shells)('a look by the kit under %s', (shell) => {
  let node: SandboxNode;
  beforeEach(async () => {
    node = await createSandboxNode({ shell, ...(signer ? { signer } : {}), base: mkdtempSync(join(base, 'n-')) });
    put(node.path('etc/motd'), 'hello\n', 0o640);
    put(node.path('etc/a, b.conf'), 'x', 0o600);
    symlinkSync('motd', node.path('etc/link'));
  });
  afterEach(async () => {
    await node.close();
  });
  const look = async (fields: Record<string, string | number> = asked): Promise<Answer> =>
    must(await node.call('observe', fields));

  it('answers every section, and nothing that has no row in the table', async () => {
    const { lines, stderr } = await look();
    expect(stderr).toBe('');
    expect(told(lines)).toEqual(sections);
    const sent = lines.filter(({ t }) => t === 'a' || t === 'now').map(({ n }) => String(n));
    expect(sent.filter((name) => attributeOf(name) === undefined)).toEqual(['clock.time']);
    const seen = readings(lines);
    expect(Object.entries(seen).filter(([, { unknown }]) => unknown === 'invalid')).toEqual([]);
    expect(seen['kernel.release']).toEqual({ value: release() });
    // A number of /proc/sys that is read a byte at a time is only its first digit.
    expect(seen['sysctl.kernel.pid_max']).toEqual({ value: readFileSync('/proc/sys/kernel/pid_max', 'utf8').trim() });
    expect(seen['sysctl.vm.swappiness']).toEqual({ value: readFileSync('/proc/sys/vm/swappiness', 'utf8').trim() });
    expect(seen['sysctl.no.such']).toEqual({ unknown: 'no sysctl here' });
    expect(Object.keys(seen).filter((name) => name.includes('passwd'))).toEqual([]);
    expect(seen['clock.offset']).toEqual({ value: '0' });
    expect(Number(seen['memory.total']?.value)).toBeGreaterThan(Number(seen['memory.available']?.value));
    expect(seen['boot.id']).toEqual({ value: node.text('run/lab-init/boot_id').trim() });
    expect(seen['runtime.toy.version']).toEqual({ value: '1.0' });
    expect(seen['runtime.toy.source']).toEqual({ value: 'distribution' });
    expect(seen['runtime.absent-runtime.version']).toEqual({ value: 'absent' });
    expect(seen['unit.nothing.service.active']).toEqual({ value: 'absent' });
    expect(seen['unit.toy.service.active']).toEqual({ value: 'active' });
  });

  it('sees files by digest, mode and owner, and that one is not there', async () => {
    const seen = readings((await look()).lines);
    const owner = execFileSync('stat', ['-c', '%U:%G', node.path('etc/motd')], { encoding: 'utf8' }).trim();
    expect(seen['file./etc/motd.digest']).toEqual({ value: `sha256:${sha256('hello\n')}` });
    expect(seen['file./etc/motd.mode']).toEqual({ value: '0640' });
    expect(seen['file./etc/motd.owner']).toEqual({ value: owner });
    expect(seen['file./etc/a, b.conf.digest']).toEqual({ value: `sha256:${sha256('x')}` });
    expect(seen['file./etc/none.digest']).toEqual({ value: 'absent' });
    expect(seen['file./etc.digest']).toEqual({ value: 'directory' });
    expect(seen['file./etc/link.link']).toEqual({ value: 'motd' });
    expect(seen['file./etc/link.digest']).toEqual({ value: `sha256:${sha256('hello\n')}` });
  });

  it('sends a section again only when it has changed, and all of it', async () => {
    const first = await look();
    const known = digests(first.lines);
    const second = await look({ ...asked, known: request(known) });
    expect(told(second.lines)).toEqual([]);
    expect(second.lines.find(({ t }) => t === 'same')).toEqual({ t: 'same', sections: sections.join(',') });
    expect(second.stdout.length).toBeLessThan(1500);
    put(node.path('etc/motd'), 'other\n', 0o640);
    const third = await look({ ...asked, known: request(known) });
    expect(told(third.lines)).toEqual(['file']);
    expect(readings(third.lines, known)['file./etc/motd.digest']).toEqual({ value: `sha256:${sha256('other\n')}` });
    expect(readings(third.lines, known)['file./etc/motd.mode']).toEqual({ value: '0640' });
  });

  it('writes nothing to what survives a boot', async () => {
    const state = (): string =>
      execFileSync('find', ['.', '-path', './run', '-prune', '-o', '-printf', '%p %T@ %C@ %s\n'], {
        cwd: node.root,
        encoding: 'utf8',
      });
    // The daemon of the test is at work below /run only.
    const before = state();
    const { lines } = await look();
    await look({ ...asked, known: request(digests(lines)) });
    expect(state()).toBe(before);
  });

  it('does not believe a digest that it kept when the file is another one since', async () => {
    const old = new Date(Date.now() - 60_000);
    const file = node.path('etc/motd');
    const touch = (): void => {
      execFileSync('touch', ['-d', old.toISOString(), file]);
    };
    touch();
    await look();
    // The same size and the same time of the content: only the change of the inode tells.
    writeFileSync(file, 'HELLO\n');
    touch();
    expect(readings((await look()).lines)['file./etc/motd.digest']).toEqual({ value: `sha256:${sha256('HELLO\n')}` });
  });

  it('refuses a budget that is none, and looks once at a time', async () => {
    expect(await node.call('observe', { budget: 0 })).toMatchObject({ code: 'PROTOCOL' });
    const both = await Promise.all([node.call('observe', asked), node.call('observe', asked)]);
    expect(
      both
        .map(({ ok, code }) => (ok ? 'ok' : code))
        .sort()
        .at(-1),
    ).toBe('ok');
    expect(both.every(({ ok, code }) => ok || code === 'BUSY')).toBe(true);
    await look();
    put(node.path('run/edgectl/observe.lock/pid'), `${process.pid}\n`);
    expect(await node.call('observe', asked)).toMatchObject({ code: 'BUSY', status: 75 });
    rmSync(node.path('run/edgectl/observe.lock'), { recursive: true });
  });
});

describe.skipIf(need.skip)('a node in bad weather', () => {
  let node: SandboxNode;
  beforeEach(async () => {
    node = await createSandboxNode({ ...(signer ? { signer } : {}), base: mkdtempSync(join(base, 'w-')) });
  });
  afterEach(async () => {
    await node.close();
  });
  /** Puts programs in front of everything that the kit starts. */
  const withPrograms = (programs: Record<string, string>): void => {
    const dir = join(node.base, 'programs');
    mkdirSync(dir);
    for (const [name, script] of Object.entries(programs)) {
      writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(dir, name), 0o755);
    }
    node.lab('path', `${dir}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`);
  };

  it('has no dpkg, sysctl or modprobe: what needs none of them is seen, the rest is unknown by name', async () => {
    node.onlyBusybox();
    const seen = readings(must(await node.call('observe', asked)).lines);
    expect(seen['package.no-such-package']).toEqual({ unknown: 'no dpkg here' });
    expect(seen['sysctl.kernel.pid_max']?.value).toMatch(/^\d+$/u);
    expect(seen['module.overlay']?.value ?? seen['module.overlay']?.unknown).toMatch(
      /^(loaded|built-in|absent|no modules here)$/u,
    );
  });

  it('hangs in one program: that is unknown, and everything else is seen', async () => {
    withPrograms({ 'dpkg-query': 'exec sleep 1000' });
    const { lines } = must(await node.call('observe', asked));
    const seen = readings(lines);
    expect(seen['package.no-such-package']).toEqual({ unknown: 'dpkg-query failed' });
    expect(seen['file./etc.digest']).toEqual({ value: 'directory' });
    expect(told(lines)).toEqual(sections);
  });

  it('is slow: sections that do not fit into its time are unknown as a whole, and asked again', async () => {
    withPrograms({ uname: 'sleep 2; exec /usr/bin/uname "$@"' });
    const { lines } = must(await node.call('observe', { ...asked, budget: 1 }));
    const seen = parseSighting(lines, { known: {}, sentAt: 0, receivedAt: 0 }).sections;
    const memory = seen.find(({ section }) => section === 'memory');
    expect(memory).toMatchObject({ state: 'dark', reason: 'timeout' });
    expect(memory?.digest).toBeUndefined();
    expect(memory?.readings.get('memory.total')).toEqual({ unknown: 'timeout' });
  });

  it('floods from one program: its section is unknown, and everything else is seen', async () => {
    withPrograms({ uname: 'if [ "$1" = -v ]; then yes flood | head -c 300000; else exec /usr/bin/uname "$@"; fi' });
    const seen = readings(must(await node.call('observe', asked)).lines);
    expect(seen['kernel.build']).toEqual({ unknown: 'too long' });
    expect(seen['kernel.release']).toEqual({ value: release() });
  });

  it('sends text that would move a cursor: it is a reading like any other, and harmless', async () => {
    withPrograms({
      uname: `if [ "$1" = -v ]; then printf 'a\\033[2J\\033]52;c;eA==\\007b'; else exec /usr/bin/uname "$@"; fi`,
    });
    const answer = await node.call('observe', asked);
    const parsed = parseAnswer(Buffer.from(answer.stdout));
    expect(parsed.valid && readings(parsed.lines)['kernel.build']?.value).toBe('a\\x1b[2J\\x1b]52;c;eA==\\x07b');
  });
});

describe.skipIf(need.skip).each([
  ['dash', ['dash', '-s']],
  ['bash', ['bash', '--posix', '-s']],
  ['busybox sh', ['busybox', 'sh', '-s']],
])('a first look under %s', (_, [program = '', ...args]) => {
  const run = async (env: Record<string, string> = {}): Promise<KitLine[]> => {
    const input = await observeScript({ ...asked, files: '/etc/passwd\n/etc/shadow\n/root/.nothing' });
    const unprivileged = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const result = spawnSync(program, args, { input, cwd: '/', env: { ...process.env, ...env }, ...unprivileged });
    // bash itself complains of a language that is not installed.
    expect(result.stderr.toString().replaceAll(/^bash: warning: setlocale: .*\n/gmu, '')).toBe('');
    const answer = parseAnswer(result.stdout);
    if (!answer.valid) throw new Error(answer.why);
    return answer.lines;
  };

  it('sees without privilege what can be seen, and says of the rest that it may not', async () => {
    const lines = await run();
    expect(told(lines)).toEqual(sections);
    const seen = readings(lines);
    expect(seen['kernel.release']).toEqual({ value: release() });
    expect(seen['file./etc/passwd.digest']?.value).toMatch(/^sha256:/u);
    expect(seen['file./etc/shadow.digest']).toEqual({ unknown: 'privilege' });
    expect(seen['file./root/.nothing.digest']).toEqual({ unknown: 'privilege' });
  });

  it('answers the same whatever language the login speaks', async () => {
    const plain = digests(await run());
    const other = digests(await run({ LC_ALL: 'de_DE.UTF-8', LANG: 'tr_TR.UTF-8', LANGUAGE: 'de', TZ: 'Asia/Tokyo' }));
    expect(other).toEqual(plain);
  });
});
