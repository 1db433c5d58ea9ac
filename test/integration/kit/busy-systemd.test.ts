import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from '../../helpers/cli.js';

const part = path.join(root, 'templates/node/init-systemd.sh');

/**
 * systemctl and systemd-run as a busy manager answers: each call takes one word from a list, and what was started is noted.
 * A real systemd cannot be made to answer so at will; that the words are its own is what test/machines shows.
 */
const systemctl = `#!/bin/sh
case $* in *Description*) cat "$B/description" 2>/dev/null; exit 0 ;; *ActiveState*) ;; *) exit 0 ;; esac
read -r word <"$B/shown" || word=inactive
sed -i 1d "$B/shown"
[ "$word" != fails ] || exit 1
printf 'ActiveState=%s\\nJob=%s\\n' "\${word%+job}" "$([ "$word" = "\${word%+job}" ] && echo 0 || echo 7)"
`;
const systemdRun = `#!/bin/sh
for word; do case $word in --description=*) about=\${word#*=} ;; esac; done
echo "$about" >>"$B/asked"
read -r word <"$B/run" || word=starts
sed -i 1d "$B/run"
[ "$word" = refuses ] || printf 'Description=%s\\n' "$about" >"$B/description"
[ "$word" = starts ]
`;

describe('a unit of the kit under a systemd that is busy', () => {
  let dir: string;

  beforeEach(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'busy-systemd-'));
    await mkdir(path.join(dir, 'bin'));
    for (const [name, text] of Object.entries({ systemctl, 'systemd-run': systemdRun })) {
      await writeFile(path.join(dir, 'bin', name), text);
      await chmod(path.join(dir, 'bin', name), 0o755);
    }
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  /** Calls one function of the kit; its status, and what systemd-run was asked to start. */
  const call = async (
    words: string,
    answers: { shown?: readonly string[]; run?: readonly string[] },
  ): Promise<{ status: string; asked: string[] }> => {
    for (const name of ['shown', 'run'] as const)
      await writeFile(path.join(dir, name), (answers[name] ?? []).map((word) => `${word}\n`).join(''));
    await writeFile(path.join(dir, 'asked'), '');
    const script = `KIT=/kit P=; tick() { :; }; . '${part}'; ${words}; echo "$?"`;
    const env = { PATH: `${path.join(dir, 'bin')}:${process.env['PATH']}`, B: dir };
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { env });
    const asked = (await readFile(path.join(dir, 'asked'), 'utf8')).split('\n').filter(Boolean);
    return { status: stdout.trim(), asked };
  };
  const start = 'sys_transient edgectl-tx 60 300 "settle t" /kit runner t';

  it('is started once where everything answers', async () => {
    expect(await call(start, {})).toEqual({ status: '0', asked: ['/kit runner t'] });
  });

  it('is started when the name of the change before it is let go of a moment late', async () => {
    const late = await call(start, { shown: ['deactivating', 'inactive', 'inactive'], run: ['refuses', 'starts'] });
    expect(late).toEqual({ status: '0', asked: ['/kit runner t', '/kit runner t'] });
  });

  it('is not started a second time when the first start was carried out and only its answer was lost', async () => {
    expect(await call(start, { run: ['starts-silently'] })).toEqual({ status: '0', asked: ['/kit runner t'] });
  });

  it('is given up when it is refused again and again', async () => {
    const refused = await call(start, { run: Array.from({ length: 20 }, () => 'refuses') });
    expect(refused.status).toBe('1');
    expect(refused.asked).toHaveLength(10);
  });

  it.each([
    ['that has a job waiting runs', ['inactive+job'], '0'],
    ['runs when one answer was lost', ['fails', 'active'], '0'],
    ['does not run when one answer was lost and the next says so', ['fails', 'inactive'], '1'],
    ['is not taken for dead when nothing is answered at all', Array.from({ length: 9 }, () => 'fails'), '0'],
  ])('a unit %s', async (_name, shown, status) => {
    expect((await call('sys_running edgectl-tx', { shown })).status).toBe(status);
  });
});
