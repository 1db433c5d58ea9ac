import { rootCertificates } from 'node:tls';
import type { Dispatcher } from 'undici';

/** Proxies by the scheme of what is asked for; `none` lists hosts that are asked directly. */
export interface Proxies {
  http?: string;
  https?: string;
  none?: string;
}

/** Proxies as curl reads them from the environment: `http_proxy`, `https_proxy`, `no_proxy`, small letters first. */
export function proxiesOf(env: Readonly<Record<string, string | undefined>>): Proxies {
  const of = (name: string): string | undefined => env[name.toLowerCase()] ?? env[name];
  const [http, https, none] = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].map(of);
  return {
    ...(http === undefined ? {} : { http }),
    ...(https === undefined ? {} : { https }),
    ...(none === undefined ? {} : { none }),
  };
}

/** Connections for requests, through proxies where there are any; destroyed by its owner. */
export async function openDispatcher(how: {
  /** Milliseconds. */
  connectMs: number;
  /** PEM certificates that are trusted besides the system's. */
  ca?: string;
  proxy: Proxies;
}): Promise<Dispatcher> {
  const { Agent, EnvHttpProxyAgent } = await import('undici');
  const { ca, connectMs: timeout, proxy } = how;
  // A list of CAs replaces the built-in one; the system's must go on being trusted.
  const connect = { timeout, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) };
  if (proxy.http === undefined && proxy.https === undefined) return new Agent({ connect });
  return new EnvHttpProxyAgent({
    connect,
    requestTls: connect,
    proxyTls: connect,
    // Many proxies let CONNECT through to port 443 only; plain http is asked for as a browser does it (RFC 9112, 3.2.2).
    proxyTunnel: false,
    httpProxy: proxy.http ?? '',
    httpsProxy: proxy.https ?? '',
    noProxy: proxy.none ?? '',
  });
}
