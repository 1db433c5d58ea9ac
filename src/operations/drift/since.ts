import { EdgectlError } from '../../errors/error.js';
import { parseDuration } from '../../fleet/schema/scalars.js';

/**
 * The time that a word means: `24h` before now, a day or a time in RFC 3339; undefined when it can only be a run. Throws USAGE
 * for a time that has not come.
 */
export function timeOf(word: string, now: number): string | undefined {
  const ms = parseDuration(word);
  if (ms !== undefined) return new Date(now - ms).toISOString();
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.test(word)) return undefined;
  // Without an offset it is UTC, as every time of edgectl is.
  const at = new Date(/T.*(Z|[+-]\d\d:\d\d)$/.test(word) || !word.includes('T') ? word : `${word}Z`);
  if (Number.isNaN(at.getTime())) throw new EdgectlError('USAGE', { message: `${word} is no time.` });
  if (at.getTime() > now) throw new EdgectlError('USAGE', { message: `${word} has not come yet.` });
  return at.toISOString();
}
