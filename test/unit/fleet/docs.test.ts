import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Advisories } from '../../../src/drift/advisories.js';
import { expectationsOf } from '../../../src/drift/expectations.js';
import { rulesOf } from '../../../src/drift/rules.js';
import { defaultPolicy } from '../../../src/fleet/builtin-policies.js';
import { loadFleet } from '../../../src/fleet/load.js';
import { lintPolicy } from '../../../src/plan/policy-lint.js';

const docs = fileURLToPath(new URL('../../../docs/reference/', import.meta.url));

/** Blocks of a page that are marked with the name of a file: ```yaml fleet.yaml */
async function examples(page: string): Promise<[file: string, text: string][]> {
  const text = await readFile(path.join(docs, page), 'utf8');
  return [...text.matchAll(/^```yaml (\S+)\n(.*?)^```$/gms)].map((match) => [match[1] ?? '', match[2] ?? '']);
}

describe('the reference', () => {
  it('has examples of every file that load together', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'fleet-docs-'));
    try {
      const pages = ['fleet.md', 'runtimes.md', 'images.md', 'policies.md', 'desired.md'];
      const files = (await Promise.all(pages.map(examples))).flat();
      expect(files.map(([file]) => file)).toEqual([
        ...['fleet.yaml', 'runtimes.yaml', 'images.yaml', 'policies/careful.yaml'],
        ...['desired.yaml', 'drift.yaml', 'advisories.yaml'],
      ]);
      await mkdir(path.join(dir, 'policies'));
      for (const [file, text] of files) await writeFile(path.join(dir, file), text);
      const fleet = await loadFleet(dir, { env: { HOME: '/root' } });
      expect(fleet.nodes).toHaveLength(3);
      expect(fleet.runtimes).toHaveLength(2);
      expect(fleet.images).toHaveLength(2);
      expect(fleet.sites?.get('osaka')).toMatchObject({
        registry: { url: 'http://127.0.0.1:5000', kind: 'distribution', lead: 'pos-osaka-001' },
        link: { bytesPerSecond: 1_000_000, monthlyBytes: 40_000_000_000, zone: 'Asia/Tokyo' },
      });
      expect(fleet.policies.get('careful')?.stages).toHaveLength(2);
      expect(expectationsOf(fleet)).toHaveLength(15);
      expect(rulesOf(fleet)).toHaveLength(1);
      expect(new Advisories(fleet.desired?.advisories).empty).toBe(false);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it('names every rule that a policy can break', async () => {
    const page = await readFile(path.join(docs, 'policies.md'), 'utf8');
    const source = await readFile(new URL('../../../src/plan/policy-lint.ts', import.meta.url), 'utf8');
    const rules = [...source.matchAll(/'(?:error|warning)',\s*'([a-z-]+)'/g)].map((match) => match[1]);
    expect(rules.length).toBeGreaterThanOrEqual(10);
    for (const rule of rules) expect(page).toContain(`\`${rule}\``);
    expect(lintPolicy(defaultPolicy, [])).toEqual([]);
  });

  it('states the numbers of the built-in default', async () => {
    const page = await readFile(path.join(docs, 'policies.md'), 'utf8');
    const { health, ramp, maxStale } = defaultPolicy;
    expect(page).toContain(`| ${health.windowS} s, ${health.passes}, ${health.capS} s |`);
    expect(page).toContain(`| ${ramp.start}, ${ramp.factor} |`);
    expect(page).toContain(`| ${maxStale} |`);
  });
});
