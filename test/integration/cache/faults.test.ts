import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchJob } from '../../../src/cache/fill-site.js';
import type { CacheImage } from '../../../src/cache/types.js';
import { CacheBench } from '../../helpers/cache-bench.js';
import { digestOf, FaultyRegistry, type Fault } from '../../helpers/faulty-registry.js';
import { startLink, type Link } from '../../helpers/link.js';
import { noise, putImage } from '../../helpers/oci.js';
import { requires } from '../../helpers/requires.js';
import { until } from '../../helpers/until.js';

const need = requires('curl', 'busybox', 'dash');
const megabyte = 1_000_000;

describe.skipIf(need.skip)('a job that fills a site through bad weather', () => {
  let central: FaultyRegistry;
  let site: FaultyRegistry;
  let line: Link;
  let bench: CacheBench;

  beforeEach(async () => {
    central = await new FaultyRegistry({ referrers: true }).start();
    site = await new FaultyRegistry().start();
    line = await startLink(Number(central.host.split(':')[1]));
    bench = new CacheBench(`http://${site.host}`);
  });
  afterEach(async () => {
    for (const dir of jobs()) {
      const pid = Number(bench.state(dir)['pid']);
      if (readCmdline(pid).includes(bench.spool)) killGroup(pid, 'SIGKILL');
    }
    await Promise.all([central.stop(), site.stop(), line.close()]);
    bench.close();
  });

  const jobs = (): string[] => {
    try {
      return readdirSync(join(bench.spool, 'jobs'));
    } catch {
      return [];
    }
  };
  const image = async (tag: string, ...layers: Buffer[]): Promise<CacheImage[]> => {
    putImage(central, 'shop/app', layers, tag);
    return await bench.read(`${line.host}/shop/app:${tag}`);
  };
  const tagged = (tag: string): string | undefined => {
    const found = site.manifests.get(`shop/app@${tag}`);
    return found === undefined
      ? undefined
      : [...site.manifests]
          .find(([name, one]) => one.raw === found.raw && name.includes('@sha256:'))?.[0]
          .split('@')[1];
  };
  /** Blobs that the site has, all of them right. */
  const expectWhole = (images: readonly CacheImage[], tag: string): void => {
    expect(tagged(tag)).toBe(images[0]?.root);
    for (const blob of images[0]?.manifests.flatMap(({ blobs }) => blobs) ?? [])
      expect(site.blobs.get(`shop/app@${blob.digest}`)?.length).toBe(blob.size);
  };
  const someParts = (bytes: number) =>
    until('some of the blob is there', () => bench.parts(), { good: (now) => now >= bytes });

  it('goes on at the size of the part when the link is cut, with less than 5 % more bytes', async () => {
    const images = await image('1', noise(8 * megabyte));
    const before = line.carried();
    line.throttle(megabyte / 2);
    const { job } = await bench.start(images);
    await someParts(2 * megabyte);
    line.cut();
    await until('the job notices', () =>
      bench.events(job).some(({ t, why }) => t === 'waiting' && /cut/.test(why ?? '')),
    );
    expect(tagged('1')).toBeUndefined();
    line.throttle(undefined);
    line.mend();
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    expectWhole(images, '1');
    expect(line.carried() - before).toBeLessThan(8 * megabyte * 1.05);
    expect(bench.parts()).toBe(0);
  });

  it('goes on after everything of it was killed, with less than 5 % more bytes', async () => {
    const images = await image('1', noise(8 * megabyte));
    const before = line.carried();
    line.throttle(megabyte / 2);
    const { job } = await bench.start(images);
    await someParts(2 * megabyte);
    killGroup(Number(bench.state(job)['pid']), 'SIGKILL');
    const config = images[0]?.manifests[0]?.blobs[0]?.size ?? 0;
    line.throttle(undefined);
    const plan = await bench.plan(images);
    const [largest] = plan.images[0]?.blobs ?? [];
    expect(largest?.action).toBe('partial');
    // The part as it is, perhaps beside the few bytes of the config.
    expect(bench.parts() - (largest?.action === 'partial' ? largest.at : 0)).toBeLessThanOrEqual(config);
    const again = await bench.start(images);
    expect(again.job).toBe(job);
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    expectWhole(images, '1');
    expect(line.carried() - before).toBeLessThan(8 * megabyte * 1.05);
  });

  it('lets a fetch that outlived its runner end before it goes on, so that no two write one part', async () => {
    const images = await image('1', noise(4 * megabyte));
    line.throttle(megabyte / 4);
    const { job } = await bench.start(images);
    await someParts(megabyte / 2);
    process.kill(Number(bench.state(job)['pid']), 'SIGKILL');
    await bench.start(images);
    line.throttle(undefined);
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    expectWhole(images, '1');
    expect(bench.events(job).filter(({ t }) => t === 'wrong')).toEqual([]);
  });

  it('begins again, once, when a source answers a Range with the whole', async () => {
    const images = await image('1', noise(2 * megabyte));
    const blobs = images.flatMap(({ manifests }) => manifests.flatMap((manifest) => manifest.blobs));
    const largest = blobs.reduce((one, other) => (other.size > one.size ? other : one));
    let asked = 0;
    // Several streams at once: the one that is cut has to be the one with something to resume.
    central.fault = ({ method, url }) =>
      method === 'GET' && url.includes(largest.digest)
        ? ++asked === 1
          ? { cutAnswer: megabyte }
          : { ignoreRange: true }
        : undefined;
    const { job } = await bench.start(images);
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    expectWhole(images, '1');
    expect(bench.events(job).filter(({ t }) => t === 'restart')).toHaveLength(1);
  });

  it('waits for 503 and 429 as long as they say, and goes on at the same offset', async () => {
    const images = await image('1', noise(2 * megabyte));
    const answers = [{ cutAnswer: megabyte }, { status: 503 }, { status: 429, headers: { 'retry-after': '7' } }];
    central.fault = ({ method, url }) => (method === 'GET' && url.includes('/blobs/') ? answers.shift() : undefined);
    // A rate: one stream, so the answers come to the one large blob.
    const { job } = await bench.start(images, { link: { windows: [], bytesPerSecond: 100 * megabyte } });
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    expectWhole(images, '1');
    const waits = bench.events(job).filter(({ t }) => t === 'waiting');
    expect(waits.map(({ why }) => why)).toEqual([
      expect.stringContaining('cut'),
      'the source answers 503',
      'the source answers 429',
    ]);
    expect(waits.at(-1)).toMatchObject({ seconds: 7 });
    const ranges = central.seen
      .filter(({ headers }) => headers.range !== undefined)
      .map(({ headers }) => headers.range);
    expect(new Set(ranges).size).toBe(1);
  });

  it('never tags wrong bytes, names the source, and fills the other image all the same', async () => {
    const bad = await image('bad', noise(megabyte, 1));
    const good = await image('good', noise(megabyte, 2));
    const wrong = bad[0]?.manifests[0]?.blobs[1]?.digest ?? '';
    central.fault = ({ method, url }) => (method === 'GET' && url.endsWith(wrong) ? { corruptAt: 500_000 } : undefined);
    const { job } = await bench.start([...bad, ...good]);
    const ended = await bench.ended(job);
    expect(ended).toMatchObject({ state: 'failed' });
    expect(bench.events(job).filter(({ t }) => t === 'wrong')).toHaveLength(2);
    const failed = bench.events(job).find(({ t }) => t === 'image_failed');
    expect(failed?.why).toBe(`http://${line.host} sends something else than ${wrong}`);
    expect(tagged('bad')).toBeUndefined();
    expect(site.blobs.has(`shop/app@${wrong}`)).toBe(false);
    expectWhole(good, 'good');
  });

  it('gets a new token in the middle, with credentials that stand in no argument and no file', async () => {
    const images = await image('1', noise(2 * megabyte));
    let valid = 'none';
    let blobs = 0;
    const tokens: (string | undefined)[] = [];
    central.fault = ({ method, url, headers }) => {
      if (url.startsWith('/token')) {
        tokens.push(headers.authorization);
        valid = `token-${tokens.length}`;
        return { status: 200, body: JSON.stringify({ token: valid }) };
      }
      if (!url.includes('/blobs/') || method !== 'GET') return undefined;
      const challenge = `Bearer realm="http://${central.host}/token",service="central",scope="repository:shop/app:pull"`;
      if (headers.authorization !== `Bearer ${valid}`)
        return { status: 401, headers: { 'www-authenticate': challenge } };
      blobs += 1;
      // The token runs out while the first blob is on its way.
      if (blobs > 1) return undefined;
      valid = 'run out';
      return { cutAnswer: megabyte };
    };
    const password = 'a "quoted" \\ password';
    const line0 = `s0\tuser = "keeper:${password.replace(/[\\"]/g, (one) => `\\${one}`)}"`;
    const link = { windows: [], bytesPerSecond: 100 * megabyte };
    const { job } = await bench.start(images, { secrets: line0, link });
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    expectWhole(images, '1');
    expect(tokens).toHaveLength(2);
    expect(new Set(tokens)).toEqual(new Set([`Basic ${Buffer.from(`keeper:${password}`).toString('base64')}`]));
    const texts = readdirSync(bench.spool, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    expect(texts.filter((text) => text.includes('quoted') || text.includes('token-'))).toEqual([]);
    const secrets = /secrets=(.*)/.exec(readFileSync(join(bench.spool, 'jobs', job, 'job'), 'utf8'))?.[1] ?? '';
    expect(secrets).toMatch(/^\//);
    expect(() => readFileSync(secrets)).toThrow(/ENOENT/);
  });

  it('keeps to the digest of the plan when the tag moves', async () => {
    const images = await image('1', noise(megabyte, 1));
    putImage(central, 'shop/app', [noise(megabyte, 9)], '1');
    const { job } = await bench.start(images);
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    expectWhole(images, '1');
  });

  it('lives on when nobody reaches the site, is found again, and is not started twice', async () => {
    const images = await image('1', noise(4 * megabyte));
    line.throttle(megabyte / 10);
    const first = await bench.start(images);
    // It cannot end while the line is cut, however slow this machine is.
    line.cut();
    line.throttle(undefined);
    const pid = bench.state(first.job)['pid'];
    expect((await bench.start(images)).job).toBe(first.job);
    expect(bench.state(first.job)['pid']).toBe(pid);
    bench.site.away = true;
    const states: string[] = [];
    const never = new AbortController().signal;
    const watched = watchJob(bench.site, 'lead', first.job, bench.spool, {
      ...{ signal: never, leave: never, everyMs: 1, pause: () => new Promise((go) => setTimeout(go, 50)) },
      onState: ({ state }) => states.push(state),
    });
    await until('the site is missed', () => states.includes('unreachable'));
    line.mend();
    bench.site.away = false;
    expect(await watched).toMatchObject({ state: 'done' });
    expectWhole(images, '1');
  });

  it('stops at the end of a window, tags nothing half, and goes on in the next', async () => {
    const images = await image('1', noise(6 * megabyte));
    const link: SiteLinkOf = { windows: [], bytesPerSecond: 200_000 };
    const edit = (plan: PlanOf): PlanOf => {
      const now = Date.now();
      const first = [now, now + 15_000] as const;
      // Far enough away for a slow machine to begin before it.
      return { ...plan, windows: [first, [now + 60_000, now + 3_600_000]] };
    };
    const { job } = await bench.start(images, { link, edit, jobNow: Date.now() + 600_000 });
    const waits = (): boolean =>
      bench.events(job).some(({ t, why }) => t === 'waiting' && why === 'outside of the windows');
    await until('it waits for the next window', waits, { within: 120_000 });
    expect(tagged('1')).toBeUndefined();
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    expectWhole(images, '1');
  }, 600_000);

  it('stops at the bytes of the month, and counts them across a kill', async () => {
    const images = await image('1', noise(3 * megabyte));
    const { job } = await bench.start(images, { link: { windows: [], monthlyBytes: megabyte } });
    await until('the month is used up', () => bench.state(job)['why'] === 'the bytes of this month are used up');
    expect(bench.parts()).toBeGreaterThan(0.99 * megabyte);
    expect(bench.parts()).toBeLessThan(megabyte + 2048);
    const plan = await bench.plan(images, { link: { windows: [], monthlyBytes: megabyte, bytesPerSecond: megabyte } });
    const soon = Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth() + 1, 1);
    expect(plan.eta).toBeGreaterThanOrEqual(soon);
    process.kill(Number(bench.state(job)['pid']), 'SIGTERM');
    expect(await bench.ended(job)).toMatchObject({ state: 'stopped' });
    expect(tagged('1')).toBeUndefined();
  });

  it('fills one site by one job at a time: the second waits and says for whom', async () => {
    const first = await image('1', noise(3 * megabyte, 1));
    const second = await image('2', noise(megabyte, 2));
    line.throttle(megabyte / 16);
    const one = await bench.start(first);
    const two = await bench.start(second);
    expect(two.job).not.toBe(one.job);
    await until('it waits', () => bench.state(two.job)['why'] === `another job fills this site: ${one.job}`);
    line.throttle(undefined);
    expect(await bench.ended(one.job)).toMatchObject({ state: 'done' });
    expect(await bench.ended(two.job)).toMatchObject({ state: 'done' });
    expectWhole(first, '1');
    expectWhole(second, '2');
  });

  it('ends cleanly with SIGTERM in the middle of a blob, and goes on when it is asked again', async () => {
    const images = await image('1', noise(4 * megabyte));
    line.throttle(megabyte / 4);
    const { job } = await bench.start(images);
    await someParts(megabyte / 2);
    process.kill(Number(bench.state(job)['pid']), 'SIGTERM');
    expect(await bench.ended(job)).toMatchObject({ state: 'stopped' });
    expect(tagged('1')).toBeUndefined();
    line.throttle(undefined);
    await bench.start(images);
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    expectWhole(images, '1');
  });

  it('brings again what a garbage collection took during the copy', async () => {
    const images = await image('1', noise(megabyte));
    const digest = images[0]?.manifests[0]?.blobs[1]?.digest ?? '';
    let collected = 0;
    site.fault = ({ method, url }) => {
      if (method === 'PUT' && url.includes('/manifests/sha256:') && collected++ === 0)
        site.blobs.delete(`shop/app@${digest}`);
      return undefined;
    };
    const { job } = await bench.start(images);
    expect(await bench.ended(job)).toMatchObject({ state: 'done' });
    expect(collected).toBeGreaterThan(1);
    expectWhole(images, '1');
  });

  it('says so when the registry of the site cannot store, and tags nothing', async () => {
    const images = await image('1', noise(megabyte));
    site.fault = ({ method }) => (method === 'PUT' ? { status: 500 } : undefined);
    const { job } = await bench.start(images);
    expect(await bench.ended(job)).toMatchObject({ state: 'failed' });
    expect(bench.events(job).at(-2)?.why).toMatch(/cannot store sha256:[0-9a-f]{64} \(500\): is its disk full/);
    expect(tagged('1')).toBeUndefined();
  });

  it('drops a source that sends without end, and a part that somebody damaged', async () => {
    const images = await image('1', noise(megabyte));
    const digest = images[0]?.manifests[0]?.blobs[1]?.digest ?? '';
    mkdirSync(join(bench.spool, 'parts'), { recursive: true });
    writeFileSync(join(bench.spool, 'parts', digest), Buffer.alloc(megabyte));
    central.blobs.set(`shop/app@${digest}`, Buffer.concat([noise(megabyte), Buffer.alloc(20 * megabyte)]));
    const { job } = await bench.start(images);
    expect(await bench.ended(job)).toMatchObject({ state: 'failed' });
    expect(bench.parts()).toBeLessThan(megabyte + 4096);
    expect(tagged('1')).toBeUndefined();
  });

  it('never tags what is not whole and right, whatever faults come in whatever order', async () => {
    const kinds = ['none', 'cut', 'corrupt', 'whole', '503', 'lost'] as const;
    // A registry that takes manifests without their blobs: only the job's own care keeps the tag off.
    await site.stop();
    site = await new FaultyRegistry({ lax: true }).start();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...kinds), { maxLength: 6 }),
        fc.array(fc.constantFrom(...kinds), { maxLength: 3 }),
        async (down, up) => {
          const tag = `r${++round}`;
          central.fault = undefined;
          site.fault = undefined;
          bench.close();
          bench = new CacheBench(`http://${site.host}`);
          const images = await image(tag, noise(300_000, round), noise(200_000, 1000 + round));
          const [gets, puts] = [[...down], [...up]];
          central.fault = ({ method, url }) =>
            method === 'GET' && url.includes('/blobs/') ? faultOf(gets.shift()) : undefined;
          site.fault = ({ method }) => (method === 'PUT' ? faultOf(puts.shift()) : undefined);
          const { job } = await bench.start(images, { patience: 10 });
          const { state } = await bench.ended(job);
          if (state === 'done') expectWhole(images, tag);
          else expect(tagged(tag)).toBeUndefined();
          for (const [name, bytes] of site.blobs) expect(digestOf(bytes)).toBe(name.split('@')[1]);
        },
      ),
      { numRuns: 5, endOnFailure: true },
    );
  }, 900_000);

  it.each([[['dash']], [['bash', '--posix']], [['busybox', 'sh']]])('does its work under %j', async (shell) => {
    bench = new CacheBench(`http://${site.host}`, shell);
    const images = await image('1', noise(2 * megabyte), noise(300_000, 2));
    const later = Date.now() + 86_400_000;
    const edit = (plan: PlanOf): PlanOf => ({ ...plan, windows: [[later, later + 1000]] });
    const { job } = await bench.start(images, { edit });
    await until('it waits', () => bench.state(job)['state'] === 'waiting');
    process.kill(Number(bench.state(job)['pid']), 'SIGTERM');
    expect(await bench.ended(job)).toMatchObject({ state: 'stopped' });
    const dir = join(bench.spool, 'jobs', job);
    writeFileSync(join(dir, 'windows'), '');
    let blobs = 0;
    central.fault = ({ url }) => (url.includes('/blobs/') && ++blobs === 1 ? { cutAnswer: 100_000 } : undefined);
    const [program = 'sh', ...args] = shell;
    const child = spawn(program, [...args, join(dir, 'spool.sh'), dir], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    expect(said).toBe('');
    expect(code).toBe(0);
    expectWhole(images, '1');
  });
});

function faultOf(kind: string | undefined): Fault | undefined {
  switch (kind) {
    case 'cut':
      return { cutAnswer: 100_000 };
    case 'corrupt':
      return { corruptAt: 50_000 };
    case 'whole':
      return { ignoreRange: true };
    case '503':
      return { status: 503 };
    case 'lost':
      return { loseAnswer: true };
    default:
      return undefined;
  }
}

type PlanOf = Awaited<ReturnType<CacheBench['plan']>>;
type SiteLinkOf = NonNullable<NonNullable<Parameters<CacheBench['plan']>[1]>['link']>;

function readCmdline(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** A runner is the leader of its session, and so of its group. */
function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended by itself.
  }
}
