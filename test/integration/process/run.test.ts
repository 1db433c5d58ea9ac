import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { run } from '../../../src/process/run.js';

describe('a local program', () => {
  it('gets its input and gives status and both outputs, without a shell', async () => {
    const result = await run(['sh', '-c', 'cat; echo "$0" >&2; exit 3', '$(id)'], { input: 'in' });
    expect(result).toMatchObject({ status: 3, stdout: 'in', stderr: '$(id)\n', timedOut: false, cancelled: false });
  });

  it('gives its output as bytes too', async () => {
    expect((await run(['printf', '\\377\\000'])).stdoutBytes).toEqual(Buffer.from([255, 0]));
  });

  it('has an end of file as input when there is none', async () => {
    expect(await run(['cat'])).toMatchObject({ status: 0, stdout: '' });
  });

  it('runs where and with the environment it was told', async () => {
    const result = await run(['sh', '-c', 'pwd; echo "$X-${HOME-gone}"'], {
      cwd: tmpdir(),
      env: { X: '1', HOME: undefined },
    });
    expect(result.stdout).toBe(`${tmpdir()}\n1-gone\n`);
  });

  it('is ended at its deadline and by its signal, as a value', async () => {
    expect(await run(['sleep', '60'], { timeoutMs: 50 })).toMatchObject({ status: null, timedOut: true });
    const controller = new AbortController();
    const running = run(['sleep', '60'], { signal: controller.signal });
    controller.abort();
    expect(await running).toMatchObject({ status: null, cancelled: true });
  });

  it('is ended when it floods', async () => {
    const result = await run(['yes'], { maxOutput: 10_000 });
    expect(result).toMatchObject({ status: null, truncated: true });
    expect(result.stdout.length).toBe(10_000);
  });

  it('is named with its Debian package when it is not installed', async () => {
    await expect(run(['ssh-keygen'], { env: { PATH: '/nowhere' } })).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      hint: 'apt-get install openssh-client',
    });
  });

  it('is not called missing when only its directory is', async () => {
    await expect(run(['true'], { cwd: '/nowhere' })).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});
