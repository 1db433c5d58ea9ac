import type { Document } from 'yaml';
import { isMap, isSeq, parseDocument } from 'yaml';
import { EdgectlError } from '../errors/error.js';
import type { BundleStatement } from './types.js';

/** The lines of runtimes.yaml that ask for a bundle. Pure. */
export function runtimeLines(bundle: BundleStatement): string {
  return [
    `- runtime: ${bundle.component}`,
    `  version: ${JSON.stringify(bundle.version)}`,
    '  digests:',
    `    ${bundle.arch}: sha256:${bundle.digest}`,
    '',
  ].join('\n');
}

/**
 * runtimes.yaml with a bundle in it, comments kept: the runtime's only entry is brought to this version, or gets another
 * architecture of it; a new entry is added when there is none. Pure. Throws CONFIG_INVALID when it cannot tell which entry is meant.
 */
export function withRuntime(text: string, bundle: BundleStatement): string {
  const document: Document = parseDocument(text) as Document;
  const ambiguous = (message: string): EdgectlError =>
    new EdgectlError('CONFIG_INVALID', {
      message: `runtimes.yaml ${message}; nothing was written.`,
      lines: ['add by hand:', ...runtimeLines(bundle).trimEnd().split('\n')],
    });
  if (document.errors.length > 0)
    throw ambiguous(`cannot be read: ${document.errors[0]?.message.split('\n')[0] ?? ''}`);
  const list = document.contents;
  if (list === null || (isSeq(list) && list.items.length === 0 && !text.includes('['))) {
    return `${text === '' || text.endsWith('\n') ? text : `${text}\n`}${runtimeLines(bundle)}`;
  }
  if (!isSeq(list)) throw ambiguous('is not a list');
  const entries = list.items.filter((item) => isMap(item) && String(item.get('runtime')) === bundle.component);
  if (entries.length > 1) throw ambiguous(`has ${entries.length} entries for ${bundle.component}`);
  const entry = entries[0];
  const digest = `sha256:${bundle.digest}`;
  if (!isMap(entry)) {
    list.add(
      document.createNode({ runtime: bundle.component, version: bundle.version, digests: { [bundle.arch]: digest } }),
    );
  } else if (String(entry.get('version')) === bundle.version && isMap(entry.get('digests'))) {
    entry.setIn(['digests', bundle.arch], digest);
  } else {
    entry.set('version', bundle.version);
    entry.delete('digest');
    // Digests of the version before must not stay beside the new one.
    entry.set('digests', document.createNode({ [bundle.arch]: digest }));
  }
  return document.toString({ lineWidth: 0 });
}
