import { z } from 'zod';
import { EdgectlError } from '../errors/error.js';
import { canonicalJson } from '../plan/canonical.js';
import { planDigest } from '../plan/digest.js';
import { digestOf, isDigest } from '../registry/digest.js';
import { parseManifest } from '../registry/manifest.js';
import { parseReference } from '../registry/reference.js';
import type { CachePlan } from './types.js';

const schemaName = 'edgectl.cache-plan/1';
/** The largest plan file that is read, in bytes. */
export const maxCachePlanBytes = 256 * 1024 * 1024;

// Every text that reaches a site is held to its grammar: a plan file may come from anybody.
const digest = z.string().refine(isDigest);
const tag = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/);
const mediaType = z.string().regex(/^[A-Za-z0-9!#$&^_.+-]{1,127}\/[A-Za-z0-9!#$&^_.+-]{1,127}$/);
const repository = z
  .string()
  .max(254)
  .regex(/^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/);
const whole = z.int().min(0);
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);
const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/);
const blob = z.looseObject({
  mediaType,
  digest,
  size: whole,
  action: z.enum(['have', 'mount', 'partial', 'fetch']),
  from: repository.optional(),
  at: whole.optional(),
});
const siteImage = z.strictObject({
  image: whole,
  root: digest,
  blobs: z.array(blob),
  manifests: z.array(digest),
  put: z.array(digest),
  tags: z.array(z.tuple([tag, digest])),
  missing: whole,
  total: whole,
});
const site = z.strictObject({
  site: name,
  node: name,
  registry: z.string().regex(/^https?:\/\/[a-z0-9.:[\]-]+$/),
  executor: z.enum(['pull', 'push']),
  architectures: z.array(z.string().max(32)),
  images: z.array(siteImage),
  lists: z.record(digest, base64),
  missing: whole,
  total: whole,
  rate: whole.min(1).optional(),
  monthly: whole.min(1).optional(),
  windows: z.array(z.tuple([whole, whole])),
  spool: z.string().max(1000),
  free: whole,
  needs: whole,
  eta: whole.optional(),
  nights: whole.optional(),
  late: z.boolean(),
  problems: z.array(z.string()),
});
const unasked = z.strictObject({
  site: name,
  node: name,
  kind: z.enum(['unreachable', 'refused', 'failed']),
  message: z.string(),
});
const file = z.strictObject({
  schema: z.literal(schemaName),
  digest: z.string(),
  fleet: z.strictObject({ id: z.string(), digest: z.string() }),
  madeAt: whole,
  deadline: whole.optional(),
  images: z.array(
    z.strictObject({
      name: z.string(),
      platforms: z.enum(['nodes', 'all']),
      insecure: z.boolean(),
      root: digest,
      manifests: z.array(z.strictObject({ digest, mediaType, raw: base64 })),
      tags: z.record(tag, digest),
    }),
  ),
  sites: z.array(site),
  unasked: z.array(unasked),
});

/** A plan as JSON that can be written to a file; `digest` covers all of it. */
export function cachePlanData(plan: CachePlan): { digest: string } & Record<string, unknown> {
  const body = {
    schema: schemaName,
    ...plan,
    images: plan.images.map(({ from: _, manifests, tags, ...image }) => ({
      ...image,
      tags: Object.fromEntries(tags),
      manifests: manifests.map(({ descriptor, raw }) => ({
        digest: descriptor.digest,
        mediaType: descriptor.mediaType,
        raw: raw.toString('base64'),
      })),
    })),
    sites: plan.sites.map((one) => ({
      ...one,
      images: one.images.map((image) => ({
        ...image,
        blobs: image.blobs.map((each) => ({
          ...{ mediaType: each.mediaType, digest: each.digest, size: each.size, action: each.action },
          ...('from' in each ? { from: each.from } : {}),
          ...('at' in each ? { at: each.at } : {}),
        })),
      })),
    })),
  };
  // What is undefined is left out of the digest and of the file.
  const plain = JSON.parse(JSON.stringify(body)) as Record<string, unknown>;
  return { ...plain, digest: planDigest(plain) };
}

/** The text of a plan file. */
export function writeCachePlan(plan: CachePlan): string {
  return `${canonicalJson(cachePlanData(plan))}\n`;
}

/** Reads a plan file that anybody may have written. Throws PLAN_INVALID, PLAN_DIGEST, and what reading a manifest throws. */
export function readCachePlan(text: string): CachePlan {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid('it is not JSON');
  }
  const parsed = file.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const actual = planDigest(json as object);
  if (actual !== parsed.data.digest)
    throw new EdgectlError('PLAN_DIGEST', {
      message: `The plan was changed after it was made: it names ${parsed.data.digest} and is ${actual}.`,
      hint: 'make the plan again',
    });
  const { schema: _schema, digest: _digest, ...plan } = parsed.data;
  const images = plan.images.map(({ manifests, tags, ...image }) => ({
    ...image,
    from: parseReference(image.name),
    tags: new Map(Object.entries(tags)),
    manifests: manifests.map(({ digest: named, mediaType: type, raw }) => {
      const bytes = Buffer.from(raw, 'base64');
      if (digestOf(bytes, named) !== named) throw invalid(`the manifest ${named} is something else`);
      return parseManifest(bytes, named, type, image.name);
    }),
  }));
  for (const one of plan.sites)
    for (const each of one.images) if (images[each.image] === undefined) throw invalid(`${one.site} wants no image`);
  return { ...plan, images } as CachePlan;
}

function invalid(reason: string): EdgectlError {
  return new EdgectlError('PLAN_INVALID', { message: `The cache plan cannot be read: ${reason}.` });
}
