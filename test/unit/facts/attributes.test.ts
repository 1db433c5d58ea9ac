import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { attributeOf, attributeSections } from '../../../src/facts/attributes/table.js';
import { attributesPage } from '../../../src/facts/attributes/page.js';
import { parseSighting } from '../../../src/facts/parse-sighting.js';
import type { Reading } from '../../../src/facts/sighting.js';
import type { KitLine } from '../../../src/node/types.js';
import { root } from '../../helpers/cli.js';

interface Case {
  lines: KitLine[];
  readings: Record<string, Reading>;
}
const dir = join(root, 'test/cases/attributes');
const sections = attributeSections.map(({ section }) => section);
const at = 1_764_000_000_000;

describe('the attributes', () => {
  it.each(readdirSync(dir))('of the case %s become what it says, and nothing else does', (file) => {
    const { lines, readings } = JSON.parse(readFileSync(join(dir, file), 'utf8')) as Case;
    const seen = parseSighting(lines, { known: {}, sentAt: at, receivedAt: at });
    const all = [...seen.sections.flatMap((section) => [...section.readings]), ...seen.volatile];
    expect(Object.fromEntries(all)).toEqual(readings);
  });

  it('have a case for every section', () => {
    expect(readdirSync(dir).map((file) => file.replace('.json', ''))).toEqual([...sections].sort());
  });

  it('begin with the name of their section, have each name once, and stand on the page', () => {
    const page = attributesPage().join('\n');
    const names = attributeSections.flatMap(({ section, attributes }) =>
      attributes.map(({ name }) => {
        expect(name.startsWith(`${section}.`)).toBe(true);
        expect(page).toContain(`| \`${name}\` |`);
        return name;
      }),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it('are found by the names that nodes send, and others are not', () => {
    expect(attributeOf('os.id')?.name).toBe('os.id');
    expect(attributeOf('file./etc/a.b/c.digest')?.name).toBe('file.<path>.digest');
    expect(attributeOf('sysctl.net.ipv4.conf.all.rp_filter')?.name).toBe('sysctl.<name>');
    expect(attributeOf('image.count')?.name).toBe('image.count');
    expect(attributeOf('file./etc/motd')).toBeUndefined();
    expect(attributeOf('nothing.at.all')).toBeUndefined();
    expect(attributeOf('')).toBeUndefined();
  });

  it('are in the kit’s own list of sections, in the same order', () => {
    const kit = readFileSync(join(root, 'templates/node/23-observe.sh'), 'utf8');
    expect(/^OB_SECTIONS='(.*)'$/m.exec(kit)?.[1]?.split(' ')).toEqual(sections);
  });
});
