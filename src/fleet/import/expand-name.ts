import { EdgectlError } from '../../errors/error.js';
import { expandRanges } from './ansible/host-range.js';

/** The names that a text with ranges stands for: `pos-[001-040]`, `pos-[001:040]`. Throws USAGE. */
export function expandName(text: string): string[] {
  const names = expandRanges(text.replace(/\[(\w+)-(\w+)\]/g, '[$1:$2]'));
  if (typeof names === 'string') throw new EdgectlError('USAGE', { message: names });
  return names;
}
