import { oneLine } from '../util/escape.js';
import type { Challenge } from './challenge.js';
import { parseChallenges } from './challenge.js';
import type { Credentials, CredentialSource } from './credentials.js';
import { refused } from './failure.js';

/** What may be done to a repository, as a token names it: `repository:NAME:pull`. */
export type Scope = string;

/** The scope that a repository's request needs. */
export function scopeOf(repository: string, actions: 'pull' | 'pull,push'): Scope {
  return `repository:${repository}:${actions}`;
}

/** One request to a token server; the answer is the JSON text. */
export type AskToken = (
  url: URL,
  request: { authorization?: string; form?: Readonly<Record<string, string>> },
) => Promise<{ status: number; text: string }>;

/** What one registry's authorisation needs from outside. */
export interface AuthContext {
  registry: string;
  /** Is the registry spoken to over plain http? Then its token server may be, too. */
  plain: boolean;
  credentials: CredentialSource;
  ask: AskToken;
  now: () => number;
}

interface Token {
  value: string;
  expiresAt: number;
}

const leewayMs = 10_000;

/**
 * The Authorization header for one registry: learns the manner from its first 401, keeps tokens by scope until shortly before they
 * expire (distribution: "Token Authentication Specification"; docker: "OAuth 2.0"), asks the token server once for all who wait.
 */
export class RegistryAuth {
  #challenge: Challenge | undefined;
  #tokens = new Map<string, Promise<Token>>();
  #credentials = new Map<string, Promise<Credentials | undefined>>();

  constructor(private readonly context: AuthContext) {}

  /** The header to send, as far as one is known to be wanted. */
  async header(repository: string, scopes: readonly Scope[]): Promise<string | undefined> {
    if (this.#challenge === undefined) return undefined;
    if (this.#challenge.scheme === 'basic') return this.#basic(repository);
    const key = scopes.join(' ');
    const known = this.#tokens.get(key);
    if (known !== undefined) {
      const token = await known;
      if (token.expiresAt - leewayMs > this.context.now()) return `Bearer ${token.value}`;
      if (this.#tokens.get(key) === known) this.#tokens.delete(key);
    }
    const asked = this.#tokens.get(key) ?? this.#fetch(this.#challenge, repository, scopes);
    this.#tokens.set(key, asked);
    try {
      return `Bearer ${(await asked).value}`;
    } catch (error) {
      this.#tokens.delete(key);
      throw error;
    }
  }

  /** Takes the header of a 401 to heart: `sent` was refused. Throws OCI_AUTH when there is no way to answer it. */
  learn(header: string, sent: string | undefined, scopes: readonly Scope[]): void {
    const challenges = parseChallenges(header);
    const wanted =
      challenges.find(({ scheme }) => scheme === 'bearer') ?? challenges.find(({ scheme }) => scheme === 'basic');
    if (wanted === undefined) throw this.#denied('it asks for a kind of authentication that edgectl does not speak');
    if (wanted.scheme === 'basic' && sent !== undefined) throw this.#denied('it refuses these credentials (401)');
    this.#challenge = wanted;
    this.#tokens.delete(scopes.join(' '));
  }

  async #basic(repository: string): Promise<string> {
    const found = await this.#find(repository);
    if (found === undefined) throw this.#denied('it wants credentials, and there are none');
    if ('identityToken' in found) throw this.#denied('it wants a password, and there is only an identity token');
    return basicHeader(found);
  }

  #find(repository: string): Promise<Credentials | undefined> {
    let found = this.#credentials.get(repository);
    if (found === undefined) {
      found = this.context.credentials(this.context.registry, repository);
      this.#credentials.set(repository, found);
    }
    return found;
  }

  async #fetch({ parameters }: Challenge, repository: string, scopes: readonly Scope[]): Promise<Token> {
    const { realm = '', service } = parameters;
    if (!URL.canParse(realm)) throw this.#denied('its token server has no address');
    const url = new URL(realm);
    // A password goes over plain http only where the registry itself is spoken to so.
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && this.context.plain))
      throw this.#denied(`its token server is not https (${url.protocol}//${url.host})`);
    const credentials = await this.#find(repository);
    const { status, text } = await this.context.ask(url, tokenRequest(url, service, scopes, credentials));
    if (status === 401 || status === 403)
      throw this.#denied(
        credentials === undefined
          ? `${url.host} gives no token without credentials`
          : `${url.host} refuses these credentials (${status})`,
      );
    if (status !== 200) throw this.#denied(`${url.host} gives no token (${status} ${oneLine(text, 100)})`);
    return this.#parse(url, text);
  }

  #parse(url: URL, text: string): Token {
    let answer: Record<string, unknown> = {};
    try {
      answer = (JSON.parse(text) ?? {}) as Record<string, unknown>;
    } catch {
      // Falls through: there is no token in it.
    }
    const value = answer['token'] ?? answer['access_token'];
    // What is no header value would break the request, or smuggle a header into it.
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
      throw this.#denied(`${url.host} answers without a token`);
    const lifetime = Number(answer['expires_in']);
    const seconds = Number.isFinite(lifetime) && lifetime > 0 ? Math.min(lifetime, 3600) : 60;
    return { value, expiresAt: this.context.now() + seconds * 1000 };
  }

  #denied(reason: string) {
    return refused('OCI_AUTH', this.context.registry, reason);
  }
}

function tokenRequest(
  url: URL,
  service: string | undefined,
  scopes: readonly Scope[],
  credentials: Credentials | undefined,
): Parameters<AskToken>[1] {
  if (credentials !== undefined && 'identityToken' in credentials) {
    return {
      form: {
        grant_type: 'refresh_token',
        refresh_token: credentials.identityToken,
        client_id: 'edgectl',
        scope: scopes.join(' '),
        ...(service === undefined ? {} : { service }),
      },
    };
  }
  if (service !== undefined) url.searchParams.set('service', service);
  for (const scope of scopes) url.searchParams.append('scope', scope);
  return credentials === undefined ? {} : { authorization: basicHeader(credentials) };
}

function basicHeader({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}
