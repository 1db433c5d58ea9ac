import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';

/** A real docker-registry process (Debian's docker-registry) on loopback. */
export interface DockerRegistry {
  /** `127.0.0.1:PORT`. */
  host: string;
  dir: string;
  stop(): Promise<void>;
}

/** Starts one with its storage in a fresh directory. `extra` is merged into its configuration. */
export async function startDockerRegistry(extra: Record<string, unknown> = {}): Promise<DockerRegistry> {
  const dir = mkdtempSync(path.join(tmpdir(), 'edgectl-registry-'));
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const file = path.join(dir, 'config.yml');
  const { http, ...rest } = extra as { http?: object };
  writeFileSync(
    file,
    stringify({
      version: 0.1,
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: path.join(dir, 'data') }, delete: { enabled: true } },
      http: { addr: host, secret: 'a secret of the test', ...http },
      ...rest,
    }),
  );
  const child = spawn('docker-registry', ['serve', file], { stdio: ['ignore', 'ignore', 'ignore'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await waitFor(port, child);
  return {
    host,
    dir,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Any answer, or a TLS error, means that it listens. */
async function waitFor(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`docker-registry ended with ${child.exitCode}`);
    const there = await new Promise<boolean>((resolve) => {
      const asked = request({ host: '127.0.0.1', port, path: '/v2/', agent: false }, (answer) => {
        answer.resume();
        resolve(true);
      });
      asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
      asked.end();
    });
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('docker-registry did not begin to listen within 60 s');
}
