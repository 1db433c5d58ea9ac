import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileKnownHosts } from '../../src/transport/known-hosts/file.js';
import { createOpensshTransport } from '../../src/transport/openssh/transport.js';
import type { SshLimits } from '../../src/transport/ssh/limits.js';
import { createSshTransport } from '../../src/transport/ssh/transport.js';
import type { Hop, Target, Transport } from '../../src/transport/types.js';
import type { TestSshd } from './sshd.js';

/** The two transports that must behave alike. */
export const transportKinds = ['ssh', 'openssh'] as const;
export type TransportKind = (typeof transportKinds)[number];

/** Makes transports with a known_hosts file of their own, and closes and removes them all. */
export class TransportBench {
  readonly #open: Transport[] = [];
  readonly #dirs: string[] = [];

  constructor(private readonly kind: TransportKind) {}

  make(knownHosts: string, limits: Partial<SshLimits> = {}, configFile?: string): Transport {
    const dir = mkdtempSync(join(tmpdir(), 'edgectl-known-'));
    this.#dirs.push(dir);
    const file = join(dir, 'known_hosts');
    writeFileSync(file, knownHosts);
    const transport =
      this.kind === 'ssh'
        ? createSshTransport({ knownHosts: fileKnownHosts(file), limits })
        : createOpensshTransport({
            knownHostsFile: file,
            limits,
            env: { PATH: process.env['PATH'], HOME: dir, TMPDIR: process.env['TMPDIR'] },
            ...(configFile === undefined ? {} : { configFile }),
          });
    this.#open.push(transport);
    return transport;
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((transport) => transport.close()));
    for (const dir of this.#dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
  }
}

/** Where a test sshd is, under a name. */
export function endpointOf(nodeId: string, sshd: TestSshd): Hop & Target {
  return { nodeId, host: '127.0.0.1', port: sshd.port, user: sshd.user, identityFiles: [sshd.userKey.path] };
}

/** Its line of known_hosts. */
export function pinOf(nodeId: string, sshd: TestSshd): string {
  return `${nodeId} ${sshd.hostKeys[0]?.line}\n`;
}
