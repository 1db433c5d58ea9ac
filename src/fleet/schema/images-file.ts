import { z } from 'zod';
import { boolean, oneOf, scalar, text } from './scalars.js';

// The grammar of distribution's reference package; a host is wanted, so that nobody's default is meant.
const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const reference = new RegExp(
  String.raw`^(?:\[[0-9a-f:]+\]|localhost|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)+|[a-z0-9-]+(?=:))(?::\d{1,5})?` +
    `(?:/${component})+(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`,
);

const entry = z.strictObject(
  {
    image: scalar('REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:…', (value) =>
      reference.test(value) && /[:@]/.test(value.slice(value.lastIndexOf('/'))) ? value : undefined,
    ),
    on: text('a selector').optional(),
    platforms: oneOf('nodes', 'all').optional(),
    insecure: boolean.optional(),
  },
  { error: 'a map with image, on, platforms, insecure' },
);

/** Schema of images.yaml: a list; an empty file is an empty list. */
export const imagesFile = z.preprocess(
  (input) => (input === '' ? [] : input),
  z.array(entry, { error: 'a list of images' }),
);

/** images.yaml as it was read. */
export type ImagesFile = z.output<typeof imagesFile>;
