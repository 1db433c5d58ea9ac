import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

// sockaddr_un holds 108 bytes on Linux and 104 on BSD; ssh adds a dot and 16 characters while it makes a socket.
const maxSocketPath = 104 - 17 - 1;

/** A directory of this process alone, for control sockets and logs, with paths short enough for a socket. */
export class RunDir {
  #next = 0;

  private constructor(readonly path: string) {}

  /** Make one below the first place where a socket fits: XDG_RUNTIME_DIR, TMPDIR, /tmp. */
  static async make(env: Readonly<Record<string, string | undefined>>): Promise<RunDir> {
    for (const place of [env['XDG_RUNTIME_DIR'], env['TMPDIR'], '/tmp']) {
      if (place === undefined || place === '') continue;
      if (Buffer.byteLength(join(place, 'edgectl-XXXXXX', 's999999')) > maxSocketPath) continue;
      const path = await mkdtemp(join(place, 'edgectl-')).catch(() => undefined);
      if (path !== undefined) return new RunDir(path);
    }
    return new RunDir(await mkdtemp('/tmp/edgectl-'));
  }

  /** A new path in it. */
  file(kind: 's' | 'l' | 'c'): string {
    this.#next += 1;
    return join(this.path, `${kind}${this.#next}`);
  }

  /** What is in a file, at most its first and last 64 KiB; then it is gone. */
  async take(path: string): Promise<string> {
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    await rm(path, { force: true });
    const half = 64 * 1024;
    if (bytes.length <= 2 * half) return bytes.toString('utf8');
    return `${bytes.toString('utf8', 0, half)}\n${bytes.toString('utf8', bytes.length - half)}`;
  }

  /** Remove it with everything in it. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
