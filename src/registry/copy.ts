import { mapLimit } from '../util/map-limit.js';
import type { RegistryClient } from './client.js';
import type { Closure } from './closure.js';
import type { CopyPlan, Held } from './copy-plan.js';
import { planCopy } from './copy-plan.js';
import { refused } from './failure.js';
import type { Descriptor, Manifest } from './manifest.js';
import type { RateLimit } from './rate-limit.js';
import { addToFallback, listReferrers } from './referrers.js';
import type { UploadJournal } from './upload.js';

/** Where the bytes of blobs come from. */
export interface ContentSource {
  /** For errors. */
  origin: string;
  open(blob: Descriptor, offset: number): AsyncIterable<Buffer>;
}

/** A copy into one repository. */
export interface CopyRequest {
  content: ContentSource;
  closure: Closure;
  target: RegistryClient;
  repository: string;
  /** Set last, when everything was found complete. */
  tag?: string | undefined;
  /** A repository of the same registry that may have some of the blobs. */
  mountFrom?: string | undefined;
  journal?: UploadJournal | undefined;
  limit?: RateLimit | undefined;
  /** Blobs at once. Default 3: each one more costs memory. */
  concurrency?: number;
  /** Bytes that went over the line. */
  onSent?: ((bytes: number) => void) | undefined;
}

/** What a copy did. */
export interface CopyResult {
  plan: CopyPlan;
  /** Bytes of blobs that were sent, those sent twice counted twice. */
  sent: number;
  mounted: number;
  /** Blobs that went on where an earlier process ended. */
  resumed: number;
}

/** A repository whose content is the source. */
export function fromRegistry(client: RegistryClient, repository: string): ContentSource {
  return {
    origin: `${client.registry}/${repository}`,
    open: (blob, offset) => client.readBlob(repository, blob, offset),
  };
}

/** What of a closure a repository has; nothing is changed. Blobs that have another length than promised count as missing. */
export async function observe(
  closure: Closure,
  target: RegistryClient,
  repository: string,
  mountFrom?: string,
): Promise<Held> {
  const blobs = [...closure.blobs.values()];
  const sizes = await mapLimit(blobs, 6, ({ digest }) => target.headBlob(repository, digest));
  const missing = blobs.filter((blob, index) => sizes[index] !== blob.size);
  const mountable =
    mountFrom === undefined || mountFrom === repository
      ? []
      : await mapLimit(missing, 6, async ({ digest, size }) => (await target.headBlob(mountFrom, digest)) === size);
  const heads = await mapLimit(closure.manifests, 6, ({ descriptor }) =>
    target.headManifest(repository, descriptor.digest),
  );
  return {
    blobs: new Set(blobs.filter((blob) => !missing.includes(blob)).map(({ digest }) => digest)),
    manifests: new Set(
      closure.manifests
        .map(({ descriptor }) => descriptor.digest)
        .filter((digest, index) => heads[index]?.digest === digest),
    ),
    elsewhere: new Map(missing.filter((_, index) => mountable[index]).map(({ digest }) => [digest, mountFrom ?? ''])),
  };
}

/**
 * Copies what is missing: blobs, then manifests with the children first, then everything is asked for once more, and only then are
 * tags set. A blob that fails does not keep the others from arriving; the first error is thrown at the end, and nothing is tagged.
 */
export async function copy(request: CopyRequest): Promise<CopyResult> {
  return await new Copy(request).run();
}

class Copy {
  #sent = 0;
  #mounted = 0;
  #resumed = 0;

  constructor(private readonly request: CopyRequest) {}

  async run(): Promise<CopyResult> {
    const plan = await this.#plan();
    await this.#round(plan);
    // A registry's garbage collection may have taken what it had when it was asked.
    const rest = await this.#plan();
    if (incomplete(rest)) await this.#round(rest);
    const last = incomplete(rest) ? await this.#plan() : rest;
    if (incomplete(last)) {
      const lost = [
        ...last.blobs.filter(({ action }) => action !== 'have').map(({ digest }) => digest),
        ...last.manifests,
      ];
      throw refused('OCI_REGISTRY_FAILED', this.#where, 'it took everything and does not have it', lost.slice(0, 5));
    }
    await this.#tag();
    return { plan, sent: this.#sent, mounted: this.#mounted, resumed: this.#resumed };
  }

  async #plan(): Promise<CopyPlan> {
    const { closure, target, repository, mountFrom } = this.request;
    return planCopy(closure, await observe(closure, target, repository, mountFrom));
  }

  async #round(plan: CopyPlan): Promise<void> {
    await this.#blobs(plan);
    await this.#manifests(plan);
  }

  async #blobs(plan: CopyPlan): Promise<void> {
    const { content, target, repository, journal, limit, concurrency = 3 } = this.request;
    const missing = plan.blobs.filter(({ action }) => action !== 'have');
    const errors = await mapLimit(missing, concurrency, async (blob) => {
      try {
        const { how, resumedAt } = await target.upload({
          repository,
          blob,
          origin: content.origin,
          open: (offset) => content.open(blob, offset),
          mountFrom: blob.action === 'mount' ? blob.from : undefined,
          journal,
          limit,
          onSent: (bytes) => {
            this.#sent += bytes;
            this.request.onSent?.(bytes);
          },
        });
        if (how === 'mounted') this.#mounted += 1;
        if (resumedAt > 0) this.#resumed += 1;
        return undefined;
      } catch (error) {
        return { error };
      }
    });
    const first = errors.find((each) => each !== undefined);
    if (first !== undefined) throw first.error;
  }

  async #manifests(plan: CopyPlan): Promise<void> {
    const { closure, target, repository } = this.request;
    const untracked = new Map<string, Manifest[]>();
    for (const manifest of closure.manifests) {
      const { digest } = manifest.descriptor;
      const put = plan.manifests.includes(digest);
      const tracked = put && (await target.putManifest(repository, digest, manifest));
      const subject = manifest.subject?.digest;
      // Those that were there already may lack their entry all the same: asking again costs one request.
      if (subject !== undefined && !tracked) untracked.set(subject, [...(untracked.get(subject) ?? []), manifest]);
    }
    for (const [subject, referrers] of untracked) await this.#list(subject, referrers);
  }

  /** A registry without referrers API finds signatures by a tag that clients keep. */
  async #list(subject: string, referrers: readonly Manifest[]): Promise<void> {
    const { target, repository } = this.request;
    const known = new Set((await listReferrers(target, repository, subject)).map(({ digest }) => digest));
    const missing = referrers.filter(({ descriptor }) => !known.has(descriptor.digest));
    if (missing.length > 0) await addToFallback(target, repository, subject, missing);
  }

  async #tag(): Promise<void> {
    const { closure, target, repository, tag } = this.request;
    const wanted = [...closure.tags, ...(tag === undefined ? [] : [[tag, closure.root] as const])];
    const manifests = new Map(closure.manifests.map((each) => [each.descriptor.digest, each]));
    for (const [name, digest] of wanted) {
      if ((await target.headManifest(repository, name))?.digest === digest) continue;
      const manifest = manifests.get(digest);
      if (manifest === undefined) throw new TypeError(`no manifest ${digest} for the tag ${name}`);
      await target.putManifest(repository, name, manifest);
      const found = await target.headManifest(repository, name);
      if (found?.digest !== digest)
        throw refused(
          'OCI_DIGEST_MISMATCH',
          `${this.#where}:${name}`,
          `it points to ${found?.digest ?? 'nothing'}, not to ${digest}`,
        );
    }
  }

  get #where(): string {
    return `${this.request.target.registry}/${this.request.repository}`;
  }
}

function incomplete(plan: CopyPlan): boolean {
  return plan.manifests.length > 0 || plan.blobs.some(({ action }) => action !== 'have');
}
