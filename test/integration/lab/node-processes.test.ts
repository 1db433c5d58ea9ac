import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killNode, startOf } from '../../../src/lab/init/node-processes.js';

describe('the processes of a lab node', () => {
  let root: string;
  let stranger: ChildProcess;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'edgectl-processes-'));
    stranger = spawn('sleep', ['60'], { detached: true, cwd: '/', stdio: 'ignore' });
    await once(stranger, 'spawn');
  });
  afterEach(async () => {
    stranger.kill('SIGKILL');
    await rm(root, { recursive: true, force: true });
  });

  it('do not include a session that only got the number of one that ended', async () => {
    const pid = stranger.pid as number;
    await killNode(root, new Map([[pid, String(Number(startOf(pid)) - 1)]]));
    expect(startOf(pid)).toBeDefined();
    expect(stranger.signalCode).toBeNull();
  });

  it('include a session that was started for the node, wherever it works', async () => {
    const pid = stranger.pid as number;
    const ended = once(stranger, 'exit');
    await killNode(root, new Map([[pid, startOf(pid) ?? '']]));
    expect((await ended)[1]).toBe('SIGKILL');
  });
});
