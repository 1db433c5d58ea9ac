import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { csvOfDrift } from '../../../../src/render/drift/csv.js';
import { driftFiles, writeDriftFiles } from '../../../../src/render/drift/files.js';
import { htmlOfDrift } from '../../../../src/render/drift/html.js';
import { junitOfDrift } from '../../../../src/render/drift/junit.js';
import { sarifOf } from '../../../../src/render/drift/sarif.js';
import { root } from '../../../helpers/cli.js';
import { JUnitFile } from '../../../helpers/junit-file.js';
import { requires } from '../../../helpers/requires.js';
import { hostile } from '../reports/sample-report.js';
import { hostileDrift, sampleDrift } from './sample-drift.js';

describe('a drift report as SARIF', () => {
  // The schema of the npm package @microsoft/jest-sarif (MIT); it is draft-04, whose `id` newer readers do not know.
  const {
    id: _id,
    $schema: _schema,
    ...schema
  } = JSON.parse(readFileSync(`${root}test/fixtures/sarif-2.1.0-rtm.5.json`, 'utf8')) as Record<string, unknown>;
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  const errors = (text: string): unknown => (validate(JSON.parse(text)) ? null : validate.errors);

  it('follows the schema, and a broken one does not', () => {
    const text = sarifOf({ ...sampleDrift(), fresh: [] });
    expect(errors(text)).toBeNull();
    expect(errors(text.replace('"kind": "fail"', '"kind": "failed"'))).not.toBeNull();
    expect(errors(sarifOf(hostileDrift(hostile)))).toBeNull();
  });

  it('has a result for each folded finding, with its nodes, its place and what is thought of it', () => {
    const { runs } = JSON.parse(sarifOf(sampleDrift())) as { runs: { results: Record<string, never>[] }[] };
    const results = runs[0]?.results ?? [];
    expect(results).toHaveLength(sampleDrift().folded.length);
    expect(results[0]).toMatchObject({
      ruleId: 'drift/desired',
      level: 'error',
      message: {
        text: 'runc 1.1.15, should be 1.3.6 (CVE-2025-31133: container breakout): pos-genoa-010, pos-oslo-004',
      },
      locations: [
        {
          physicalLocation: { artifactLocation: { uri: 'runtimes.yaml' }, region: { startLine: 1 } },
          logicalLocations: [
            { fullyQualifiedName: 'acme-retail/genoa/pos-genoa-010' },
            { fullyQualifiedName: 'acme-retail/oslo/pos-oslo-004' },
          ],
        },
      ],
    });
    expect(results.find(({ suppressions }) => suppressions !== undefined)).toMatchObject({
      level: 'note',
      suppressions: [{ kind: 'external', status: 'accepted' }],
    });
    expect(results.filter(({ kind }) => kind === 'open').every(({ level }) => level === 'none')).toBe(true);
  });

  it('is told apart from yesterday by its fingerprint and its state', () => {
    const drift = sampleDrift();
    const [first] = drift.findings.filter(({ attribute }) => attribute.endsWith('running'));
    const text = sarifOf({ ...drift, fresh: first === undefined ? [] : [first] });
    expect(text.match(/"baselineState": "new"/g)).toHaveLength(1);
    const prints = [...text.matchAll(/"edgectl\/v1": "([0-9a-f]{64})"/g)].map(([, print]) => print);
    expect(new Set(prints).size).toBeGreaterThan(5);
  });

  it('makes no link and no placeholder of what a node says', () => {
    const text = sarifOf(hostileDrift(['[x](javascript:alert(1))', '{0}']));
    expect(text).not.toContain('](javascript');
    expect(text).toContain('{{0}}');
  });
});

describe.skipIf(requires('xmllint').skip)('a drift report as JUnit', () => {
  const file = new JUnitFile();
  const valid = (xml: string): string => file.valid(xml);
  const value = (xml: string, path: string): string => file.value(xml, path);
  afterAll(() => file.remove());

  it('follows the schema: a suite a site, a case a node; what is unexpected fails, what was not seen is skipped', () => {
    const xml = junitOfDrift(sampleDrift());
    expect(valid(xml)).toBe('');
    expect(() => valid(xml.replace('tests="40"', 'tests="many"'))).toThrow();
    expect(['tests', 'failures', 'errors'].map((name) => value(xml, `/testsuites/@${name}`))).toEqual([
      '40',
      '14',
      '0',
    ]);
    expect(value(xml, 'count(//testcase)')).toBe('40');
    expect(value(xml, '//testsuite[@name="oslo"]/@skipped')).toBe('2');
    expect(value(xml, '//testcase[@name="pos-oslo-003"]/skipped/@message')).toBe('did not answer');
    expect(value(xml, '//testcase[@name="pos-berlin-001"]/failure')).toBe(
      'COSMETIC sysctl.vm.swappiness is 60, should be 10',
    );
    expect(value(xml, '//testcase[@name="pos-berlin-008"]/system-err')).toMatch(/^EXPECTED package\.curl is 8\.5/);
  });

  it('holds no more cases than nodes, whatever they say', () => {
    const xml = junitOfDrift(hostileDrift(hostile));
    expect(valid(xml)).toBe('');
    expect(value(xml, 'count(//testcase)')).toBe(String(hostile.length));
  });
});

/** Cells of CSV as a spreadsheet takes them (RFC 4180). */
function cellsOf(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === '\r\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

describe('a drift report as CSV', () => {
  it('has a line for each finding on each node', () => {
    const drift = sampleDrift();
    const [titles, ...rows] = cellsOf(csvOfDrift(drift));
    expect(titles?.slice(0, 4)).toEqual(['node', 'site', 'class', 'severity']);
    expect(rows).toHaveLength(drift.findings.length);
    expect(rows.every((row) => row.length === titles?.length)).toBe(true);
  });

  it('has no cell that a spreadsheet calculates, for any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { minLength: 1, maxLength: 5 }), (texts) => {
        const given = [
          ...texts,
          ...texts.map((text) => `=${text}`),
          '=HYPERLINK("http://203.0.113.1/","x")',
          '@SUM(1)',
        ];
        const rows = cellsOf(csvOfDrift(hostileDrift(given)));
        for (const cell of rows.flat()) expect(cell).not.toMatch(/^[=+\-@\t\r\n|%]/);
      }),
      { numRuns: 15 },
    );
  });
});

describe('a drift report as HTML', () => {
  it('needs nothing else, holds no script, and allows only the style that is in it', () => {
    const page = htmlOfDrift(sampleDrift());
    const style = /<style>([^]*?)<\/style>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(page).toContain(`content="default-src &#39;none&#39;; style-src &#39;sha256-${hash}&#39;;`);
    expect(page).not.toMatch(/<script|<link|<img|<iframe|<form|\sstyle=|\son\w+=|https?:|url\(/i);
    expect(page.match(/<details>/g)).toHaveLength(new Set(sampleDrift().findings.map(({ node }) => node)).size);
    expect(page).toContain('<td class="h4">9</td>');
  });

  it('makes nothing but text of what nodes say', () => {
    const tags = (page: string): string[] => [...new Set(page.match(/<\/?[a-z][a-z0-9]*/gi))].sort();
    const page = htmlOfDrift(hostileDrift(hostile));
    expect(page).not.toMatch(/<script|<!--|javascript:alert\(1\)"/i);
    expect(tags(page).filter((tag) => !tags(htmlOfDrift(sampleDrift())).includes(tag))).toEqual([]);
  });
});

describe('--report of drift', () => {
  it('writes each file, and names one that cannot be written', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'edgectl-drift-'));
    try {
      const kinds = ['sarif', 'junit', 'html', 'csv'];
      await writeDriftFiles(
        driftFiles(
          kinds.map((kind) => `${kind}=${kind}`),
          dir,
        ),
        sampleDrift(),
      );
      const beginnings = kinds.map((kind) => readFileSync(join(dir, kind), 'utf8').slice(0, 5));
      expect(beginnings).toEqual(['{\n  "', '<?xml', '<!doc', 'node,']);
      await expect(writeDriftFiles(driftFiles(['csv=no/where'], dir), sampleDrift())).rejects.toMatchObject({
        code: 'USAGE',
      });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it('takes four formats with a file each, and says which otherwise', () => {
    expect(driftFiles(['sarif=a=b', 'html=/x/y'], '/w')).toEqual([
      { kind: 'sarif', file: '/w/a=b' },
      { kind: 'html', file: '/x/y' },
    ]);
    for (const bad of ['sarif', 'sarif=', 'github', 'pdf=x', '=x'])
      expect(() => driftFiles([bad], '/')).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
  });
});
