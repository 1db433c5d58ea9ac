import type { Driver } from './drivers/schema.js';

/** Guesses a version from a file name: the driver's expression first, then the first dotted number. Pure. */
export function versionFromName(driver: Driver, name: string): string | undefined {
  const own = driver.version.fileName;
  if (own !== undefined) {
    const version = new RegExp(own).exec(name)?.groups?.['version'];
    if (version !== undefined) return version;
  }
  return /(?:^|[-_v])([0-9]+\.[0-9]+(?:\.[0-9]+)*(?:-(?:alpha|beta|rc)[.]?[0-9]*)?)/.exec(name)?.[1];
}
