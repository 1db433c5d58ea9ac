import { EdgectlError } from '../errors/error.js';
import { escapeForTerminal } from '../util/escape.js';
import { isDigest } from './digest.js';

/** A place in a registry: a repository, and a tag or a digest in it. */
export interface Reference {
  /** `host[:port]` that is spoken to. */
  registry: string;
  repository: string;
  tag?: string;
  digest?: string;
}

// The grammar of distribution's reference package, and of the distribution specification ("Pulling manifests").
const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const repositoryText = new RegExp(`^${component}(?:/${component})*$`);
const tagText = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const hostText = /^(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([0-9]{1,5}))?$/;

/**
 * Reads `[HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]`. Without a host it is Docker Hub, as for docker; without tag and digest it is
 * `latest`, unless `bare` is asked for. Throws OCI_REFERENCE.
 */
export function parseReference(text: string, options: { bare?: boolean } = {}): Reference {
  const refuse = (reason: string): never => {
    throw new EdgectlError('OCI_REFERENCE', { message: `“${escapeForTerminal(text)}” cannot be read: ${reason}.` });
  };
  const [beforeDigest = '', digest, ...more] = text.replace(/^oci:\/\//, '').split('@');
  if (more.length > 0) refuse('it has more than one “@”');
  if (digest !== undefined && !isDigest(digest)) refuse('after “@” must come sha256: and 64 hexadecimal digits');
  const colon = beforeDigest.lastIndexOf(':');
  const tagged = colon > beforeDigest.lastIndexOf('/');
  const tag = tagged ? beforeDigest.slice(colon + 1) : undefined;
  // `host:5000` alone has no repository; `name:tag` has.
  const name = tagged ? beforeDigest.slice(0, colon) : beforeDigest;
  if (tag !== undefined && !tagText.test(tag)) refuse('a tag has letters, digits, “_”, “.”, “-”, at most 128');
  const { registry, repository } = splitHost(name);
  const port = hostText.exec(registry)?.[1];
  if (!hostText.test(registry) || Number(port ?? 1) > 65_535 || Number(port ?? 1) === 0)
    refuse(`“${escapeForTerminal(registry)}” is no registry: a host name in small letters, and a port`);
  if (!repositoryText.test(repository) || registry.length + repository.length > 254)
    refuse('a repository has parts of small letters, digits, “.”, “_”, “-”, with “/” between them');
  if (options.bare === true) {
    if (tag !== undefined || digest !== undefined) refuse('a repository is wanted, without tag and digest');
    return { registry, repository };
  }
  return {
    registry,
    repository,
    ...(tag === undefined ? (digest === undefined ? { tag: 'latest' } : {}) : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The canonical text of a reference. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function splitHost(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  if (!isHost) return { registry: 'docker.io', repository: slash === -1 ? `library/${name}` : name };
  const rest = name.slice(slash + 1);
  const hub = first === 'docker.io' || first === 'index.docker.io';
  if (!hub) return { registry: first, repository: rest };
  return { registry: 'docker.io', repository: rest.includes('/') ? rest : `library/${rest}` };
}
