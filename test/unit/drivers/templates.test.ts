import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { listDrivers } from '../../../src/bundle/drivers/load.js';
import { renderNodeDriver } from '../../../src/bundle/drivers/render.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const templates = path.join(here, '../../../templates/drivers');
const loaded = await listDrivers([templates]);

describe('the drivers that come with edgectl', () => {
  test('each file holds a driver', () => {
    expect(loaded.map(({ file }) => path.basename(file)).sort()).toEqual(readdirSync(templates).sort());
  });

  test.each(loaded)('$driver.component is rendered for nodes as it was agreed', async ({ driver }) => {
    await expect(renderNodeDriver(driver)).toMatchFileSnapshot(path.join(here, 'golden', `${driver.component}.driver`));
  });

  test.each(loaded)('$driver.component speaks of no other component’s files in its probes', ({ driver }) => {
    const words = [...driver.health, driver.version.probe, driver.service?.exec ?? []].map((argv) => argv[0]);
    for (const word of words.filter((each) => each !== undefined)) {
      const below = word.replace(`$ACTIVE/${driver.component}/files/`, '');
      const required = driver.files.filter((file) => !file.optional).map((file) => file.to);
      expect(required).toContain(below);
    }
  });

  test.each(loaded)('$driver.component adopts what it needs to run', ({ driver }) => {
    const needed = driver.files.filter((file) => !file.optional).map((file) => file.to);
    expect(driver.adopt.map((entry) => entry.to)).toEqual(expect.arrayContaining(needed));
  });
});
