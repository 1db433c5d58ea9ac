import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from '../../helpers/cli.js';
import { requires } from '../../helpers/requires.js';

const need = requires('busybox', 'dash');
const dir = mkdtempSync(join(tmpdir(), 'kit-lock-'));
const script = join(dir, 'one.sh');

/* One holder: takes the lock, looks whether somebody is in there with it, and gives it back or dies with it. */
writeFileSync(
  script,
  `TICK=0.01
. '${root}templates/node/20-util.sh'
V=$1
lock x 100000 || { echo gave-up; exit; }
mkdir "$V/in" 2>/dev/null || echo clash
rmdir "$V/in" 2>/dev/null
echo held
[ "$2" = dies ] && kill -9 $$
unlock x
`,
);

function holder(shell: readonly string[], place: string, how: 'dies' | 'lives'): Promise<string> {
  const [program = '', ...args] = shell;
  const child = spawn(program, [...args, script, place, how], { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve) => child.on('close', () => resolve(said.trim())));
}

describe.skipIf(need.skip)('a lock of the kit', () => {
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it.each([
    ['dash', ['/bin/dash']],
    ['bash', ['/bin/bash', '--posix']],
    ['busybox', ['/bin/busybox', 'sh']],
  ])(
    'has one holder at a time although every second one dies with it and all see that at once, %s',
    async (_, shell) => {
      const place = mkdtempSync(join(dir, 'v-'));
      const worker = async (): Promise<string[]> => {
        const said: string[] = [];
        for (let turn = 0; turn < 30; turn += 1)
          said.push(await holder(shell, place, turn % 2 === 0 ? 'dies' : 'lives'));
        return said;
      };
      const said = (await Promise.all(Array.from({ length: 8 }, worker))).flat();
      expect(said.filter((line) => line !== 'held')).toEqual([]);
      expect(said).toHaveLength(240);
      expect(readdirSync(place).filter((name) => name !== 'x.lock')).toEqual([]);
    },
  );
});
