import { describe, expect, it } from 'vitest';
import { buildJob } from '../../../src/cache/job.js';
import { readCachePlan, writeCachePlan } from '../../../src/cache/plan-file.js';
import type { SiteState } from '../../../src/cache/probe.js';
import { questionOf } from '../../../src/cache/probe.js';
import { planSite, sourceUrl } from '../../../src/cache/site-plan.js';
import type { CachePlan, SitePlan } from '../../../src/cache/types.js';
import { whyOf } from '../../../src/cache/why.js';
import { wishesOf } from '../../../src/cache/wishes.js';
import type { Fleet, SiteLink } from '../../../src/fleet/types.js';
import { planDigest } from '../../../src/plan/digest.js';
import { cachePlanText } from '../../../src/render/cache.js';
import { createUi } from '../../../src/render/ui.js';
import { indexImage } from '../../helpers/cache-images.js';

const image = indexImage(['amd64', 'arm64']);
const now = Date.parse('2026-06-01T12:00:00Z');
const question = questionOf([image], [sourceUrl(image)]);

function site(state: Partial<SiteState> = {}, link?: SiteLink, deadline?: number): SitePlan {
  const all: SiteState = {
    ...{ architecture: 'amd64', free: 1e12, writable: true, spool: '/s', monthUsed: 0, missingTools: [], jobs: [] },
    ...{ have: question.items.map(() => false), parts: new Map(), referrers: [], reached: [true], ...state },
  };
  const asked = { site: 'berlin', node: 'lead', registry: 'http://127.0.0.1:5000', link, wants: [0] };
  return planSite({ ...asked, architectures: [undefined] }, { images: [image], question, state: all, now, deadline });
}

const planOf = (...sites: SitePlan[]): CachePlan => ({
  ...{ fleet: { id: 'F', digest: 'd' }, madeAt: now, images: [image], sites, unasked: [] },
});

describe('a cache plan', () => {
  it('asks for everything, and wants what the platform of the lead node needs', () => {
    const plan = site();
    expect(plan).toMatchObject({ architectures: ['amd64'], executor: 'pull', problems: [], late: false });
    expect(plan.images[0]).toMatchObject({
      put: [image.manifests[0]?.descriptor.digest],
      tags: [['1', plan.images[0]?.root]],
    });
    expect(plan.images[0]?.blobs.map(({ action }) => action)).toEqual(['fetch', 'fetch']);
  });

  it('has nothing to do where everything is there, and says which bytes of a part are', () => {
    const full = site({ have: question.items.map(() => true) });
    expect(full).toMatchObject({ missing: 0, needs: 0, images: [{ put: [], tags: [] }] });
    const digest = image.manifests[0]?.blobs[0]?.digest ?? '';
    const begun = site({ parts: new Map([[digest, 3]]) });
    expect(begun.images[0]?.blobs.find((blob) => blob.digest === digest)).toMatchObject({ action: 'partial', at: 3 });
    expect(begun.missing).toBe(site().missing - 3);
  });

  it('is late when the windows before the deadline are too short, and says what a site lacks', () => {
    const link: SiteLink = { bytesPerSecond: 1000, windows: [{ days: [2], from: 0, to: 60 }], zone: 'UTC' };
    const plan = site({}, link, now + 3_600_000);
    expect(plan).toMatchObject({ late: true, nights: 1 });
    expect(plan.eta).toBeGreaterThan(Date.parse('2026-06-02T00:00:00Z'));
    expect(site({ free: 10, missingTools: ['flock'] }).problems).toEqual([
      'its lead node lacks flock',
      'its disk has not enough room',
    ]);
    expect(site({ reached: [false] }).executor).toBe('push');
  });

  it('fits into 80 columns and ends with the sites that are late', () => {
    const link: SiteLink = { bytesPerSecond: 1000, windows: [{ days: [2], from: 0, to: 60 }], zone: 'UTC' };
    const late = { ...site({}, link, now + 60_000), site: 'berlin-with-a-rather-long-name-of-its-own' };
    const ui = createUi({ isTTY: false, env: {}, noColor: true, width: 80 });
    const lines = cachePlanText({ ...planOf(late, site()), deadline: now + 60_000 }, ui).split('\n');
    for (const line of lines.filter((text) => !text.startsWith('image')))
      expect(line.length, line).toBeLessThanOrEqual(100);
    expect(lines.find((text) => text.startsWith('SITE'))?.length).toBeLessThanOrEqual(80);
    expect(lines.at(-1)).toBe(
      '1 site will not make it by 2026-06-01 12:01 UTC: berlin-with-a-rather-long-name-of-its-own',
    );
  });

  it('is read from a file as it was written, and not when somebody changed it', () => {
    const text = writeCachePlan(planOf(site()));
    const read = readCachePlan(text);
    expect(read.sites).toEqual(planOf(site()).sites);
    expect(read.images[0]?.manifests.map(({ raw }) => raw)).toEqual(image.manifests.map(({ raw }) => raw));
    expect(() => readCachePlan(text.replace('"madeAt":', '"madeAt":1'))).toThrow(
      expect.objectContaining({ code: 'PLAN_DIGEST' }),
    );
    expect(() => readCachePlan('{')).toThrow(expect.objectContaining({ code: 'PLAN_INVALID' }));
  });

  it('is refused when a text in it would reach a shell as something else, whatever its digest says', () => {
    const forge = (
      change: (plan: { sites: { registry: string; images: { tags: unknown[] }[] }[] }) => void,
    ): string => {
      const json = JSON.parse(writeCachePlan(planOf(site()))) as Parameters<typeof change>[0] & { digest: string };
      change(json);
      const { digest: _, ...body } = json;
      return JSON.stringify({ ...body, digest: planDigest(body) });
    };
    const hostile = [
      forge(({ sites }) => sites[0] && (sites[0].registry = 'http://127.0.0.1:5000/$(reboot)')),
      forge(({ sites }) => sites[0]?.images[0]?.tags.push(['a\nEDGECTL_TEXT_ENDS_HERE', image.root])),
    ];
    for (const text of hostile)
      expect(() => readCachePlan(text)).toThrow(expect.objectContaining({ code: 'PLAN_INVALID' }));
  });
});

describe('a job', () => {
  it('is named by what the site shall have, not by what it lacks today', () => {
    const manner = { patience: 1, backoff: 1, now };
    const one = buildJob('F', site(), [image], manner);
    const later = buildJob('F', site({ have: question.items.map(({ kind }) => kind === 'blobs') }), [image], manner);
    expect(later.id).toBe(one.id);
    expect(buildJob('G', site(), [image], manner).id).not.toBe(one.id);
    expect(one.files.get('i0/tags')).toMatch(
      /^1 sha256:[0-9a-f]{64} shop\/till application\/vnd\.oci\.image\.manifest\.v1\+json\n$/,
    );
  });
});

describe('wishes', () => {
  it('need a site with a registry that wants an image: CACHE_NO_SITE', () => {
    const fleet = {
      nodes: [],
      runtimes: [],
      sites: new Map([['berlin', { region: 'r', labels: {} }]]),
    } as unknown as Fleet;
    const ask =
      (sites: string[], forRollout = false) =>
      () =>
        wishesOf(fleet, { sites, forRollout });
    expect(ask([])).toThrow(expect.objectContaining({ code: 'CACHE_NO_SITE' }));
    expect(ask([], true)).toThrow(/wants a bundle from a registry/);
    expect(ask(['berlin'])).toThrow(/“berlin” has no registry/);
    expect(ask(['berln'])).toThrow(/did you mean “berlin”/);
  });
});

describe('why', () => {
  it('names the image and who has it, and refuses what nobody wants: CACHE_DIGEST_UNKNOWN', () => {
    const plan = planOf(site());
    const digest = image.manifests[0]?.blobs[0]?.digest ?? '';
    expect(whyOf(plan, digest.slice(7, 17))).toMatchObject([
      { digest, image: image.name, what: 'config or layer', sites: [{ site: 'berlin', state: 'missing' }] },
    ]);
    expect(whyOf(plan, image.root)).toMatchObject([{ what: 'root', sites: [{ state: 'not wanted' }] }]);
    for (const unknown of ['sha256:000000', '0', digest.slice(7, 9)])
      expect(() => whyOf(plan, unknown)).toThrow(expect.objectContaining({ code: 'CACHE_DIGEST_UNKNOWN' }));
  });
});
