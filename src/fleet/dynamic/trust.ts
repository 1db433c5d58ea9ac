import { homedir } from 'node:os';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import type { DynamicSource } from './declaration.js';
import { digestSources } from './digest.js';

type Env = Readonly<Record<string, string | undefined>>;

/** Where the digests are kept that this user trusts: outside of the repository, which must not be able to trust itself. */
export function trustFile(fleetId: string, env: Env): string {
  const configured = env['XDG_STATE_HOME'];
  const base =
    configured?.startsWith('/') === true ? configured : path.join(env['HOME'] ?? homedir(), '.local', 'state');
  return path.join(base, 'edgectl', fleetId, 'trusted-sources');
}

async function trusted(file: string): Promise<Set<string>> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return new Set(text.split('\n').flatMap((line) => line.split(' ')[0] || []));
}

/** Remembers that this user lets these programs run, as they are now. */
export async function trustSources(fleetId: string, digest: string, env: Env, at: string): Promise<void> {
  const file = trustFile(fleetId, env);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const text = await readFile(file, 'utf8').catch(() => '');
  const { default: writeAtomic } = await import('write-file-atomic');
  await writeAtomic(file, `${text}${digest} ${at}\n`, { mode: 0o600 });
}

/** Throws SOURCE_UNTRUSTED unless the user has trusted these very programs (contract 26). */
export async function mustBeTrusted(
  fleet: { dir: string; id: string },
  sources: readonly DynamicSource[],
  env: Env,
): Promise<void> {
  const { digest } = await digestSources(fleet.dir, sources);
  const known = await trusted(trustFile(fleet.id, env));
  if (known.has(digest)) return;
  throw new EdgectlError('SOURCE_UNTRUSTED', {
    message:
      known.size === 0
        ? 'This fleet gets its nodes from a program, and you have not trusted this repository yet; nothing was run.'
        : 'The program that this fleet gets its nodes from has changed since you trusted it; nothing was run.',
    lines: sources.map(({ file, argv }) => `${file}: ${argv.join(' ')}`),
    data: { digest, sources: sources.map(({ file, argv }) => ({ file, argv })) },
  });
}
