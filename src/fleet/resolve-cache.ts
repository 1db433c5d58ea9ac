import type { z } from 'zod';
import type { ImagesFile } from './schema/images-file.js';
import type { link, siteRegistry } from './schema/link.js';
import type { DesiredImage, SiteLink, SiteRegistry } from './types.js';

/** A site's registry with defaults filled in. */
export function resolveRegistry(written: z.output<typeof siteRegistry>): SiteRegistry {
  const { url, kind, insecure, lead, spool } = written;
  return {
    url,
    kind: kind ?? 'distribution',
    insecure: insecure ?? false,
    ...(lead === undefined ? {} : { lead }),
    ...(spool === undefined ? {} : { spool }),
  };
}

/** A site's line; windows that were written as one word are a list. */
export function resolveLink(written: z.output<typeof link>): SiteLink {
  const { rate, windows, zone, monthly } = written;
  return {
    windows: windows === undefined ? [] : [windows].flat(),
    ...(rate === undefined ? {} : { bytesPerSecond: rate }),
    ...(zone === undefined ? {} : { zone }),
    ...(monthly === undefined ? {} : { monthlyBytes: monthly }),
  };
}

/** Images from images.yaml. */
export function resolveImages(file: ImagesFile): DesiredImage[] {
  return file.map(({ image, on, platforms, insecure }) => ({
    image,
    on: on ?? '',
    platforms: platforms ?? 'nodes',
    insecure: insecure ?? false,
  }));
}
