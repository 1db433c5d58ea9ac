import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diskDamages } from '../../../src/lab/node-damage.js';

describe('damage on the disk of a lab node', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'edgectl-damage-'));
    for (const dir of ['etc/edgectl', 'usr/local/sbin', 'var/lib/edgectl/staging'])
      mkdirSync(join(root, dir), { recursive: true });
    writeFileSync(join(root, 'etc/edgectl/node.conf'), 'node=pos-1\nfleet=f\n');
    writeFileSync(join(root, 'var/lib/edgectl/staging/half'), 'x');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const conf = (): string => readFileSync(join(root, 'etc/edgectl/node.conf'), 'utf8');
  const tool = (name: string, ...args: string[]): string =>
    execFileSync(join(root, 'usr/local/sbin', name), args, { encoding: 'utf8' }).trim();

  it.each(Object.entries(diskDamages))(
    '%s is undone without a trace, also when it was done twice',
    async (_how, damage) => {
      const before = [
        conf(),
        readdirSync(join(root, 'var/lib/edgectl/staging')),
        readdirSync(join(root, 'usr/local/sbin')),
      ];
      await damage.do(root);
      await damage.do(root);
      await damage.undo(root);
      await damage.undo(root);
      const after = [
        conf(),
        readdirSync(join(root, 'var/lib/edgectl/staging')),
        readdirSync(join(root, 'usr/local/sbin')),
      ];
      expect(after).toEqual(before);
    },
  );

  it('makes a df that has nothing free, and a clock two years ahead, for the kit that takes its PATH from the lab', async () => {
    await diskDamages['full-disk'].do(root);
    await diskDamages['clock-skew'].do(root);
    expect(tool('df', '-Pk', '/').split('\n')[1]?.split(/ +/)[3]).toBe('0');
    expect(Number(tool('date', '+%s')) - Date.now() / 1000).toBeGreaterThan(700 * 86_400);
    expect(readFileSync(join(root, 'etc/edgectl/lab/path'), 'utf8')).toMatch(
      `${join(root, 'usr/local/sbin')}:/usr/local/sbin:`,
    );
  });

  it('lets nothing be made where the kit stages, not even by root', async () => {
    await diskDamages['read-only'].do(root);
    expect(() => mkdirSync(join(root, 'var/lib/edgectl/staging/run'), { recursive: true })).toThrow();
    expect(() => writeFileSync(join(root, 'var/lib/edgectl/.write'), '')).toThrow();
  });

  it('makes a node say another name', async () => {
    await diskDamages.liar.do(root);
    expect(conf()).toBe('node=pos-1-liar\nfleet=f\n');
  });
});
