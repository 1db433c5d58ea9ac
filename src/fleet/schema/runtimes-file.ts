import { z } from 'zod';
import { mapOf, name, scalar, sha256, text } from './scalars.js';

function isServer(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** A repository without tag and digest; `oci+http` says that this registry is spoken to without TLS. */
function isRepository(text: string): boolean {
  return /^oci(\+http)?:\/\/(\[[0-9a-f:]+\]|[a-z0-9][a-z0-9.-]*)(:\d{1,5})?(\/[a-z0-9][a-z0-9._-]*)+$/.test(text);
}

const entry = z
  .strictObject(
    {
      runtime: name.refine((value) => value !== 'kit', {
        error: 'a runtime; the node kit is rolled out with: edgectl rollout kit',
      }),
      version: scalar('a version such as 2.1.9', (value) =>
        /^[A-Za-z0-9][A-Za-z0-9.+~_-]{0,63}$/.test(value) ? value : undefined,
      ),
      digest: sha256.optional(),
      digests: mapOf(
        z.string().refine((key) => ['amd64', 'arm64', 'arm', 'riscv64', 'all'].includes(key), {
          error: 'an architecture: amd64, arm64, arm, riscv64 or all',
        }),
        sha256,
        'a map from architecture to digest',
      ).optional(),
      on: text('a selector').optional(),
      source: scalar('an http or https URL, or oci://REGISTRY/REPOSITORY', (value) =>
        isServer(value) || isRepository(value) ? value : undefined,
      ).optional(),
    },
    { error: 'a map with runtime, version, digest, on' },
  )
  .superRefine((value, context) => {
    if (value.digest === undefined && Object.keys(value.digests ?? {}).length === 0)
      context.addIssue({ code: 'custom', message: 'a digest, or digests by architecture' });
    if (value.digest !== undefined && value.digests !== undefined)
      context.addIssue({ code: 'custom', path: ['digests'], message: 'either digest or digests, not both' });
  });

/** Schema of runtimes.yaml: a list; an empty file is an empty list. */
export const runtimesFile = z.preprocess(
  (input) => (input === '' ? [] : input),
  z.array(entry, { error: 'a list of runtimes' }),
);

/** runtimes.yaml as it was read. */
export type RuntimesFile = z.output<typeof runtimesFile>;
