import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { htmlOfDrift } from '../../../src/render/drift/html.js';
import { requires } from '../../helpers/requires.js';
import { hostileDrift, sampleDrift } from '../../unit/render/drift/sample-drift.js';
import { hostile } from '../../unit/render/reports/sample-report.js';

const evil = [
  ...hostile,
  '<script>document.title="forged"</script>',
  '<img src=x onerror="document.title=\'forged\'">',
  '"><svg onload="document.title=\'forged\'">',
  "'-document.title='forged'-'",
];

describe.skipIf(requires('chromium').skip)('the page of a drift report in Chromium', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'edgectl-page-'));
  });
  afterAll(async () => rm(dir, { recursive: true, force: true }));

  /** The document as the browser has it after everything in it that runs has run. */
  async function opened(page: string, name: string): Promise<string> {
    const file = join(dir, `${name}.html`);
    await writeFile(file, page);
    const flags = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      `--user-data-dir=${join(dir, name)}`,
      '--dump-dom',
    ];
    const { stdout } = await promisify(execFile)('chromium', [...flags, `file://${file}`], { maxBuffer: 1 << 26 });
    return stdout;
  }
  const titleOf = (dom: string): string | undefined => /<title>(.*?)<\/title>/s.exec(dom)?.[1];

  it('runs nothing of what nodes say, and shows all of it', async () => {
    const dom = await opened(htmlOfDrift(hostileDrift(evil)), 'hostile');
    expect(titleOf(dom)).toBe('Drift of acme-retail');
    for (const tag of dom.match(/<[a-z][^>]*>/gi) ?? []) {
      expect(tag).not.toMatch(/^<(script|img|iframe|object|embed|form|input|link|base)/i);
      expect(tag).not.toMatch(/\s(on\w+|style|srcdoc|src)=|javascript:/i);
    }
    expect(dom).toContain('&lt;script&gt;document.title="forged"&lt;/script&gt;');
  });

  it('would not even run a script that stood in it, because of its policy', async () => {
    const page = htmlOfDrift(sampleDrift()).replace('</main>', '<script>document.title="forged"</script></main>');
    expect(titleOf(await opened(page, 'scripted'))).toBe('Drift of acme-retail');
    const unguarded = page.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '');
    expect(titleOf(await opened(unguarded, 'unguarded'))).toBe('forged');
  });
});
