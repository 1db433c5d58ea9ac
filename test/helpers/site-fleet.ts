import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { runCli, type CliOutcome } from './cli.js';
import type { Envelope } from './lab-fleet.js';
import { startSshd, type TestSshd } from './sshd.js';

/** A site of the tests: the registry's `host:port`, its line, and what else fleet.yaml says. */
export interface WrittenSite {
  registry: string;
  link?: Record<string, unknown>;
}

/** A fleet of sites on this machine: each with a lead node (a real sshd) and a spool of its own. */
export interface SiteFleet {
  dir: string;
  sshd: TestSshd;
  env: Record<string, string>;
  spool(site: string): string;
  /** Replaces images.yaml. */
  images(list: readonly Record<string, string>[]): void;
  edgectl(...argv: string[]): Promise<CliOutcome>;
  json(...argv: string[]): Promise<{ exitCode: number; envelope: Envelope; stderr: string }>;
  /** Lines of status.jsonl of every job of a site. */
  events(site: string): Record<string, unknown>[];
  /** Pids of runners of a site. */
  runners(site: string): number[];
  close(): Promise<void>;
}

/** Makes the fleet. `env` is added to that of edgectl. */
export async function siteFleet(
  sites: Record<string, WrittenSite>,
  options: { shell?: string; env?: Record<string, string> } = {},
): Promise<SiteFleet> {
  const dir = mkdtempSync(join(tmpdir(), 'edgectl-sites-'));
  const sshd = await startSshd();
  const spool = (site: string): string => join(dir, 'spool', site);
  const names = Object.keys(sites);
  writeFileSync(
    join(dir, 'fleet.yaml'),
    stringify({
      id: '01JQZ0000000000000000TEST0',
      name: 'test',
      sites: Object.fromEntries(
        Object.entries(sites).map(([site, { registry, link }]) => [
          site,
          {
            registry: { url: `http://${registry}`, spool: spool(site) },
            ...(link === undefined ? {} : { link }),
          },
        ]),
      ),
      nodes: Object.fromEntries(
        names.map((site) => [
          `${site}-lead`,
          {
            ...{ address: '127.0.0.1', port: sshd.port, user: sshd.user, identity: [sshd.userKey.path], site },
            labels: { arch: 'amd64' },
          },
        ]),
      ),
    }),
  );
  const key = sshd.hostKeys[0]?.line ?? '';
  writeFileSync(join(dir, 'known_hosts'), names.map((site) => `${site}-lead ${key}\n`).join(''));
  const env = { HOME: dir, EDGECTL_FLEET: dir, ...options.env };
  const edgectl = (...argv: string[]): Promise<CliOutcome> => runCli(argv, { env });
  const runners = (site: string): number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        try {
          const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
          return words.some((word) => word.endsWith('/spool.sh') && word.startsWith(spool(site)));
        } catch {
          return false;
        }
      })
      .map(Number);
  return {
    ...{ dir, sshd, env, spool, edgectl, runners },
    images: (list) => writeFileSync(join(dir, 'images.yaml'), stringify(list)),
    json: async (...argv) => {
      const { stdout, ...rest } = await edgectl(...argv, '--json');
      return { ...rest, envelope: JSON.parse(stdout) as Envelope };
    },
    events: (site) => {
      const jobs = join(spool(site), 'jobs');
      return readdirSync(jobs).flatMap((job) =>
        readFileSync(join(jobs, job, 'status.jsonl'), 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Record<string, unknown>),
      );
    },
    close: async () => {
      for (const site of names)
        for (const pid of runners(site)) {
          try {
            process.kill(pid, 'SIGTERM');
          } catch {
            // It ended by itself.
          }
        }
      await sshd.stop();
      rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
    },
  };
}
