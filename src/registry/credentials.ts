import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { EdgectlError } from '../errors/error.js';
import { run } from '../process/run.js';
import { oneLine } from '../util/escape.js';

/** Who to be at a registry. */
export type Credentials = { username: string; password: string } | { identityToken: string };

/** Finds credentials for a repository at a registry; undefined means anonymous. Throws OCI_CREDENTIALS. */
export type CredentialSource = (registry: string, repository: string) => Promise<Credentials | undefined>;

const entry = z.looseObject({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});
const helperName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'the name of a credential helper');
const configFile = z.looseObject({
  auths: z.record(z.string(), entry).optional(),
  credHelpers: z.record(z.string(), helperName).optional(),
  credsStore: helperName.or(z.literal('')).optional(),
});
const helperAnswer = z.looseObject({ Username: z.string(), Secret: z.string() });

/**
 * Credentials as docker and podman keep them: `$REGISTRY_AUTH_FILE`, `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`,
 * `$XDG_RUNTIME_DIR/containers/auth.json`; the first file that knows the registry wins. Helpers (docker-credential-NAME) are asked.
 */
export function dockerCredentials(env: Readonly<Record<string, string | undefined>>): CredentialSource {
  return async (registry, repository) => {
    for (const file of files(env)) {
      const found = await fromFile(file, registry, repository, env);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

function files(env: Readonly<Record<string, string | undefined>>): string[] {
  const { REGISTRY_AUTH_FILE: named, DOCKER_CONFIG: docker, HOME: home, XDG_RUNTIME_DIR: runtime } = env;
  // A file that was named is meant instead of the others, as for skopeo and podman.
  if (named !== undefined && named !== '') return [named];
  const dockerDir = docker ?? (home === undefined ? undefined : path.join(home, '.docker'));
  return [
    ...(dockerDir === undefined ? [] : [path.join(dockerDir, 'config.json')]),
    ...(runtime === undefined ? [] : [path.join(runtime, 'containers', 'auth.json')]),
  ];
}

async function fromFile(
  file: string,
  registry: string,
  repository: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credentials | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw bad(`${file} cannot be read: ${error.code ?? ''}.`);
  });
  if (text === undefined) return undefined;
  const config = parse(file, text);
  const helpers = new Map(Object.entries(config.credHelpers ?? {}));
  const names = registryNames(registry, repository);
  const helper = names.map((name) => helpers.get(name)).find((name) => name !== undefined);
  if (helper !== undefined) return askHelper(helper, names.at(-1) ?? registry, env);
  const auths = new Map(Object.entries(config.auths ?? {}).map(([key, value]) => [plainName(key), value]));
  const own = names.map((name) => auths.get(name)).find((each) => each !== undefined);
  const written = own && fromEntry(file, registry, own);
  if (written !== undefined) return written;
  const store = config.credsStore ?? '';
  return store === '' ? undefined : askHelper(store, registry === 'docker.io' ? hubKey : registry, env);
}

function parse(file: string, text: string): z.output<typeof configFile> {
  try {
    return configFile.parse(JSON.parse(text));
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
    throw bad(`${file} cannot be read: ${issue ? `${issue.path.join('.')}: ${issue.message}` : 'it is not JSON'}.`);
  }
}

const hubKey = 'https://index.docker.io/v1/';

/** Names that an entry for a repository may have, the most particular first (containers-auth.json(5)). */
function registryNames(registry: string, repository: string): string[] {
  const parts = repository.split('/');
  const nested = parts.map((_, index) => `${registry}/${parts.slice(0, parts.length - index).join('/')}`);
  return [...nested, registry, ...(registry === 'docker.io' ? ['index.docker.io'] : [])];
}

/** `https://index.docker.io/v1/` → `index.docker.io`. */
function plainName(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '');
}

function fromEntry(file: string, registry: string, own: z.output<typeof entry>): Credentials | undefined {
  if (own.identitytoken !== undefined && own.identitytoken !== '') return { identityToken: own.identitytoken };
  if (own.username !== undefined && own.password !== undefined)
    return { username: own.username, password: own.password };
  if (own.auth === undefined || own.auth === '') return undefined;
  const decoded = Buffer.from(own.auth, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 1) throw bad(`${file}: the auth of ${registry} is not base64 of USER:PASSWORD.`);
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}

async function askHelper(
  name: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  const { status, stdout, stderr } = await run([program, 'get'], {
    input: server,
    timeoutMs: 30_000,
    env,
    maxOutput: 64 * 1024,
  });
  if (status !== 0) {
    // The one answer that the protocol of docker-credential-helpers defines for "none".
    if (/credentials not found/i.test(stdout + stderr)) return undefined;
    throw bad(`${program} failed for ${server}: ${oneLine(stderr.trim() === '' ? stdout : stderr)}`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(stdout);
  } catch {
    answer = undefined;
  }
  const parsed = helperAnswer.safeParse(answer);
  // Its output is never shown: there may be a secret in it.
  if (!parsed.success) throw bad(`${program} did not answer with Username and Secret for ${server}.`);
  const { Username: username, Secret: secret } = parsed.data;
  return username === '<token>' ? { identityToken: secret } : { username, password: secret };
}

function bad(message: string): EdgectlError {
  return new EdgectlError('OCI_CREDENTIALS', { message });
}
