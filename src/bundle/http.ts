import type { Dispatcher } from 'undici';
import { EdgectlError } from '../errors/error.js';
import { escapeForTerminal } from '../util/escape.js';

/** How to make one request. */
export interface Get {
  dispatcher: Dispatcher;
  signal: AbortSignal;
  /** Milliseconds without a byte until it is given up. */
  idleMs: number;
}

/** A response whose redirects were followed. */
export type Response = Dispatcher.ResponseData;

const maxRedirects = 5;

/** GET that follows a bounded number of redirects, never from https to http. Throws BUNDLE_FETCH_FAILED or a network error. */
export async function get(url: URL, headers: Record<string, string>, options: Get): Promise<Response> {
  const { request } = await import('undici');
  let at = url;
  for (let hop = 0; ; hop++) {
    if (at.protocol !== 'https:' && at.protocol !== 'http:') throw failed(url, `${at.protocol} is not http or https`);
    const response = await request(at, {
      dispatcher: options.dispatcher,
      signal: options.signal,
      headers,
      headersTimeout: options.idleMs,
      bodyTimeout: options.idleMs,
    });
    if (![301, 302, 303, 307, 308].includes(response.statusCode)) return response;
    await response.body.dump();
    const location = response.headers['location'];
    if (typeof location !== 'string' || !URL.canParse(location, at.href)) throw failed(url, 'it redirects to nowhere');
    const next = new URL(location, at);
    if (hop >= maxRedirects) throw failed(url, `it redirects more than ${maxRedirects} times`);
    if (at.protocol === 'https:' && next.protocol !== 'https:') throw failed(url, 'it redirects from https to http');
    at = next;
  }
}

/** GET of a short text. Throws BUNDLE_FETCH_FAILED. */
export async function getText(url: URL, maxBytes: number, options: Get): Promise<string> {
  try {
    const response = await get(url, {}, options);
    if (response.statusCode !== 200) {
      await response.body.dump();
      throw failed(url, statusText(response.statusCode));
    }
    if (isPage(response)) {
      await response.body.dump();
      throw failed(url, 'it answers with a web page instead of the file (a login page, or a proxy?)');
    }
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of response.body) {
      size += (chunk as Buffer).length;
      if (size > maxBytes) throw failed(url, `it sends more than ${maxBytes} bytes`);
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    if (error instanceof EdgectlError) throw error;
    options.signal.throwIfAborted();
    throw failed(url, networkReason(error));
  }
}

/** Does the server say that this is a web page? */
export function isPage(response: Response): boolean {
  return /^\s*(text\/html|application\/xhtml\+xml)/i.test(String(response.headers['content-type'] ?? ''));
}

/** A status for a person. */
export function statusText(status: number): string {
  if (status === 404) return 'it does not have this bundle (404)';
  if (status === 401 || status === 403) return `it refuses access (${status})`;
  return `it answers ${status}`;
}

/** Why a connection failed, one line without control characters. */
export function networkReason(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return 'it stopped answering';
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'it does not answer (connect timeout)';
  if (code === 'ECONNREFUSED') return 'it refuses connections';
  if (code === 'ENOTFOUND') return 'its name does not resolve';
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET') return 'the connection was cut';
  return escapeForTerminal(error instanceof Error && error.message !== '' ? error.message : String(code ?? error));
}

/** A BUNDLE_FETCH_FAILED (or another code) about a URL; credentials in it are not shown. */
export function failed(
  url: URL,
  reason: string,
  lines: readonly string[] = [],
  code: 'BUNDLE_FETCH_FAILED' | 'BUNDLE_DIGEST_MISMATCH' = 'BUNDLE_FETCH_FAILED',
): EdgectlError {
  const shown = `${url.protocol}//${url.host}${url.pathname}`;
  return new EdgectlError(code, { message: `${escapeForTerminal(shown)}: ${reason}.`, lines, data: { url: shown } });
}
