import { EdgectlError } from '../errors/error.js';
import { escapeForTerminal } from '../util/escape.js';
import type { CachePlan } from './types.js';

/** One reason for which a digest is wanted. */
export interface Reason {
  digest: string;
  /** The image that it belongs to. */
  image: string;
  what: 'root' | 'manifest' | 'referrer' | 'config or layer';
  size: number;
  /** Sites that want it, and what each has of it. */
  sites: readonly { site: string; state: 'there' | 'missing' | 'part' | 'not wanted' }[];
}

/** Why something is at sites, or should be: which images it belongs to. Throws CACHE_DIGEST_UNKNOWN. Pure. */
export function whyOf(plan: CachePlan, written: string): Reason[] {
  const wanted = written.includes(':') ? written : `sha256:${written}`;
  const reasons = plan.images.flatMap((image, index) =>
    image.manifests.flatMap(({ descriptor, blobs, subject }): Reason[] => {
      const all = [descriptor, ...blobs].filter(({ digest }) => digest.startsWith(wanted));
      return all.map(({ digest, size }) => ({
        digest,
        image: image.name,
        what:
          digest !== descriptor.digest
            ? 'config or layer'
            : digest === image.root
              ? 'root'
              : subject === undefined
                ? 'manifest'
                : 'referrer',
        size,
        sites: plan.sites.flatMap(({ site, images }) =>
          images.filter((one) => one.image === index).map((one) => ({ site, state: stateAt(one, digest) })),
        ),
      }));
    }),
  );
  if (/^sha(256|512):[0-9a-f]{6,}$/.test(wanted) && reasons.length > 0) return reasons;
  throw new EdgectlError('CACHE_DIGEST_UNKNOWN', {
    message: `No image of the fleet has anything whose digest begins with ${escapeForTerminal(wanted)}.`,
    hint: 'give six hexadecimal digits or more; edgectl cache plan --json names all images',
  });
}

type SiteImage = CachePlan['sites'][number]['images'][number];

function stateAt({ blobs, manifests, put }: SiteImage, digest: string): Reason['sites'][number]['state'] {
  const blob = blobs.find((one) => one.digest === digest);
  if (blob !== undefined) return blob.action === 'have' ? 'there' : blob.action === 'partial' ? 'part' : 'missing';
  if (!manifests.includes(digest)) return 'not wanted';
  return put.includes(digest) ? 'missing' : 'there';
}
