import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { listDrivers } from '../../../src/bundle/drivers/load.js';
import { renderNodeDriver } from '../../../src/bundle/drivers/render.js';
import { versionFromName } from '../../../src/bundle/version.js';

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

describe('a version is read from the names that upstreams give their files', () => {
  test.each([
    ['containerd', 'containerd-2.1.4-linux-amd64.tar.gz', '2.1.4'],
    ['containerd', 'containerd-2.0.0-rc.3-linux-arm64.tar.gz', '2.0.0-rc.3'],
    ['containerd', 'containerd-static-1.7.24-linux-amd64.tar.gz', '1.7.24'],
    ['containerd-shim', 'containerd-1.7.24-linux-amd64.tar.gz', '1.7.24'],
    ['runc', 'runc-1.3.0-rc.2.tar.xz', '1.3.0-rc.2'],
    ['runc', 'runc-v1.2.4.amd64', '1.2.4'],
    ['runc', 'runc.amd64', undefined],
    ['crun', 'crun-1.21-linux-amd64', '1.21'],
    ['wasmedge', 'WasmEdge-0.14.1-manylinux_2_28_x86_64.tar.gz', '0.14.1'],
  ])('%s: %s is %s', (component, name, version) => {
    const driver = loaded.find((each) => each.driver.component === component)?.driver;
    expect(driver === undefined ? 'no driver' : versionFromName(driver, name)).toBe(version);
  });
});
