import type { Dispatcher } from 'undici';
import { EdgectlError } from '../errors/error.js';
import { oneLine } from '../util/escape.js';
import type { Scope } from './auth.js';
import { RegistryAuth } from './auth.js';
import { openDispatcher } from './dispatcher.js';
import { errorText, Interrupted, isFinal, isOurs, networkReason, refused } from './failure.js';
import type { RegistrySettings } from './settings.js';

/** A response whose redirects were followed and whose 401 was answered; the body is still to be read. */
export type Answer = Dispatcher.ResponseData;

/** One request to a registry. */
export interface Ask {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** A path below the registry, or a URL that it answered. */
  target: string | URL;
  repository: string;
  scopes: readonly Scope[];
  headers?: Readonly<Record<string, string>>;
  body?: Buffer;
  /** A body that exists once: when the request ends early the caller hears of it (Interrupted) and goes on by itself. */
  stream?: AsyncIterable<Uint8Array>;
  /** Statuses that are answers; all others are errors. */
  expect: readonly number[];
}

const maxRedirects = 5;
const maxErrorBytes = 64 * 1024;
const transient = new Set([408, 425, 429, 500, 502, 503, 504]);

/** HTTP to one registry: authorisation, back-off, redirects, limits. Throws OCI_* errors, and Interrupted for streamed bodies. */
export class RegistryHttp {
  readonly base: URL;
  readonly #auth: RegistryAuth;
  #opened: Promise<Dispatcher> | undefined;

  constructor(
    readonly registry: string,
    readonly settings: RegistrySettings,
  ) {
    const plain = settings.plainHttp(registry);
    // Docker Hub's registry has another name than its images.
    const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry;
    this.base = new URL(`${plain ? 'http' : 'https'}://${host}/`);
    this.#auth = new RegistryAuth({
      registry,
      plain,
      credentials: settings.credentials,
      now: settings.now,
      ask: (url, request) => this.#askToken(url, request),
    });
  }

  /** Makes a request, again and again within limits when it can be. */
  async send(ask: Ask): Promise<Answer> {
    let refreshed = false;
    for (let fruitless = 0; ; fruitless++) {
      try {
        const sent = await this.#auth.header(ask.repository, ask.scopes);
        const answer = await this.#once(ask, sent);
        if (answer.statusCode !== 401) return await this.#judge(ask, answer);
        await answer.body.dump();
        const challenge = answer.headers['www-authenticate'];
        if (refreshed) throw this.#error('OCI_AUTH', 'it refuses access (401)');
        this.#auth.learn([challenge].flat().join(', '), sent, ask.scopes);
        refreshed = true;
        if (ask.stream !== undefined) throw new Interrupted('it wants a new token', 0, 401);
        fruitless -= 1;
      } catch (error) {
        if (!(error instanceof Interrupted) || ask.stream !== undefined) throw error;
        await this.backOff(error, fruitless + 1);
      }
    }
  }

  /** Makes a request and reads its whole body, again when the connection is cut. Throws `tooLarge()` beyond a size. */
  async sendWhole(ask: Ask, maxBytes: number, tooLarge: () => Error): Promise<{ answer: Answer; raw: Buffer }> {
    for (let fruitless = 1; ; fruitless++) {
      const answer = await this.send(ask);
      const chunks: Buffer[] = [];
      let size = 0;
      try {
        for await (const chunk of answer.body) {
          chunks.push(chunk as Buffer);
          size += (chunk as Buffer).length;
          if (size > maxBytes) break;
        }
        if (size > maxBytes) throw tooLarge();
        return { answer, raw: Buffer.concat(chunks) };
      } catch (error) {
        if (isOurs(error)) throw error;
        await this.backOff(new Interrupted(networkReason(error)), fruitless);
      } finally {
        abandon(answer);
      }
    }
  }

  /** Waits before attempt `fruitless` (1, 2, …) in a row that brought nothing; throws when there were enough. */
  async backOff(why: Interrupted, fruitless: number): Promise<void> {
    const { settings } = this;
    settings.signal.throwIfAborted();
    if (fruitless >= settings.maxFruitless) {
      const code = why.status === 0 ? 'OCI_UNREACHABLE' : 'OCI_REGISTRY_FAILED';
      throw this.#error(code, `${why.reason}; given up after ${fruitless} attempts`);
    }
    if (why.afterMs > settings.maxWaitMs)
      throw this.#error('OCI_REGISTRY_FAILED', `it wants ${Math.round(why.afterMs / 1000)} s of pause (${why.reason})`);
    const own = Math.min(500 * 2 ** (fruitless - 1), 30_000) * (0.5 + settings.random() / 2);
    await settings.pause(Math.max(own, why.afterMs), settings.signal);
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    await (await this.#opened)?.destroy();
  }

  async #once(ask: Ask, authorization: string | undefined): Promise<Answer> {
    const replies = ask.method === 'GET' || ask.method === 'HEAD';
    let url = this.#resolve(ask.target);
    for (let hop = 0; ; hop++) {
      const own = url.origin === this.base.origin;
      const answer = await this.#request(url, ask, own ? authorization : undefined);
      const location = answer.headers['location'];
      if (![301, 302, 303, 307, 308].includes(answer.statusCode)) return answer;
      await answer.body.dump();
      if (!replies) throw this.#error('OCI_REGISTRY_FAILED', `it redirects a ${ask.method}`);
      if (typeof location !== 'string' || !URL.canParse(location, url.href))
        throw this.#error('OCI_REGISTRY_FAILED', 'it redirects to nowhere');
      const next = new URL(location, url);
      if (hop >= maxRedirects) throw this.#error('OCI_REGISTRY_FAILED', `it redirects more than ${maxRedirects} times`);
      if (next.protocol !== 'https:' && (url.protocol === 'https:' || next.protocol !== 'http:'))
        throw this.#error('OCI_REGISTRY_FAILED', `it redirects from ${url.protocol} to ${next.protocol}`);
      url = next;
    }
  }

  #resolve(target: string | URL): URL {
    const url = new URL(target, this.base);
    // Uploads go where the registry says; but never from https to http, and never to a file or the like.
    if (url.protocol === this.base.protocol || url.protocol === 'https:') return url;
    throw this.#error('OCI_REGISTRY_FAILED', `it names a place that is not ${this.base.protocol}//`);
  }

  async #request(url: URL, ask: Ask, authorization: string | undefined): Promise<Answer> {
    const { request } = await import('undici');
    const { settings } = this;
    // Credentials in a URL would be sent, and shown.
    url.username = '';
    url.password = '';
    const body = ask.body ?? ask.stream;
    try {
      return await request(url, {
        dispatcher: await this.#dispatcher(),
        method: ask.method,
        signal: settings.signal,
        headers: { ...ask.headers, ...(authorization === undefined ? {} : { authorization }) },
        headersTimeout: settings.idleMs,
        bodyTimeout: settings.idleMs,
        // undici closes the connection after a HEAD unless it is told not to.
        ...(ask.method === 'HEAD' ? { reset: false } : {}),
        ...(body === undefined ? {} : { body: body as Buffer }),
      });
    } catch (error) {
      if (isOurs(error)) throw error;
      settings.signal.throwIfAborted();
      if (isFinal(error)) throw this.#error('OCI_UNREACHABLE', networkReason(error));
      throw new Interrupted(networkReason(error));
    }
  }

  async #judge(ask: Ask, answer: Answer): Promise<Answer> {
    const status = answer.statusCode;
    if (ask.expect.includes(status)) return answer;
    const { codes, text } = errorText(await limitedText(answer));
    const said = text === '' ? `it answers ${status}` : `it answers ${status}: ${text}`;
    // 507 and the like stay as they are; a full disk is a 500 at distribution.
    if (transient.has(status)) throw new Interrupted(said, retryAfter(answer, this.settings.now()), status);
    if (status === 403 || status === 401) throw this.#error('OCI_AUTH', said);
    if (status === 404) throw this.#error('OCI_NOT_FOUND', said);
    if (codes.includes('DIGEST_INVALID')) throw this.#error('OCI_DIGEST_MISMATCH', said);
    throw this.#error('OCI_REGISTRY_FAILED', said);
  }

  async #askToken(
    url: URL,
    { authorization, form }: { authorization?: string; form?: Readonly<Record<string, string>> },
  ): Promise<{ status: number; text: string }> {
    const { request } = await import('undici');
    const { settings } = this;
    for (let fruitless = 1; ; fruitless++) {
      try {
        const answer = await request(url, {
          dispatcher: await this.#dispatcher(),
          method: form === undefined ? 'GET' : 'POST',
          signal: settings.signal,
          headersTimeout: settings.idleMs,
          bodyTimeout: settings.idleMs,
          headers: {
            ...(authorization === undefined ? {} : { authorization }),
            ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
          },
          ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
        });
        const text = await limitedText(answer);
        if (!transient.has(answer.statusCode)) return { status: answer.statusCode, text };
        throw new Interrupted(
          `its token server answers ${answer.statusCode}`,
          retryAfter(answer, settings.now()),
          answer.statusCode,
        );
      } catch (error) {
        if (error instanceof EdgectlError) throw error;
        settings.signal.throwIfAborted();
        await this.backOff(
          error instanceof Interrupted ? error : new Interrupted(`its token server: ${networkReason(error)}`),
          fruitless,
        );
      }
    }
  }

  #dispatcher(): Promise<Dispatcher> {
    return (this.#opened ??= openDispatcher(this.settings));
  }

  #error(
    code: 'OCI_AUTH' | 'OCI_NOT_FOUND' | 'OCI_DIGEST_MISMATCH' | 'OCI_REGISTRY_FAILED' | 'OCI_UNREACHABLE',
    reason: string,
  ) {
    return refused(code, this.registry, reason);
  }
}

/** Ends a body that nobody wants to read on. */
export function abandon(answer: Answer): void {
  // Without a listener the error that undici makes of it would end the process.
  answer.body.on('error', () => undefined).destroy();
}

/** The body of an error or a token, at most 64 KiB of it. */
async function limitedText(answer: Answer): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer.body) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      if (size > maxErrorBytes) break;
    }
  } catch {
    // Half an error text is as good as none.
  }
  return Buffer.concat(chunks).toString('utf8', 0, maxErrorBytes);
}

/** Milliseconds of a Retry-After header, seconds or a date (RFC 9110, 10.2.3). */
function retryAfter(answer: Answer, now: number): number {
  const header = oneLine([answer.headers['retry-after']].flat()[0] ?? '', 64);
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}
