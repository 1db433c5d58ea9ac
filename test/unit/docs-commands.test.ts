import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../helpers/cli.js';

const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, { aliases: string[] }>;
};
const known = new Set(
  Object.entries(manifest.commands).flatMap(([id, { aliases }]) =>
    [id, ...aliases].map((name) => name.replaceAll(':', ' ')),
  ),
);
// A plugin of oclif's brings it.
known.add('autocomplete');
const topics = new Set([...known].map((name) => name.split(' ')[0]));

function filesBelow(dir: string, ending: RegExp): string[] {
  return readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' })
    .filter((file) => ending.test(file))
    .map((file) => join(dir, file));
}

/** Command lines in a text: `edgectl word word` in code spans, in blocks of code, in hints and examples; not in prose. */
function commandLines(text: string): string[] {
  const spans = [...text.matchAll(/(?:`|hint: '|: {2}|\n {4})edgectl ((?:[a-z]+ ?){1,3})/g)];
  const blocks = [...text.matchAll(/^```\w*\n(.*?)^```/gms)].flatMap(([, block]) => [
    ...(block ?? '').matchAll(/^(?:\$ )?edgectl ((?:[a-z]+ ?){1,3})/gm),
  ]);
  return [...spans, ...blocks].map(([, words]) => (words ?? '').trim());
}

describe('what people are told to type', () => {
  const files = [
    'README.md',
    ...filesBelow('docs', /\.md$/),
    ...filesBelow('src', /\.ts$/),
    ...filesBelow('templates', /\.(yaml|sh)$/),
  ];
  it.each(files)('exists as a command: %s', (file) => {
    const unknown = commandLines(readFileSync(join(root, file), 'utf8')).filter((line) => {
      const words = line.split(' ');
      const isKnown = words.some((_word, at) => known.has(words.slice(0, at + 1).join(' ')));
      return !isKnown && !(words.length === 1 && topics.has(words[0]));
    });
    expect(unknown).toEqual([]);
  });
});
