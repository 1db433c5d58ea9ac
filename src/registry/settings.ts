import { readFile } from 'node:fs/promises';
import { EdgectlError } from '../errors/error.js';
import type { CredentialSource } from './credentials.js';
import { dockerCredentials } from './credentials.js';
import { proxiesOf, type Proxies } from './dispatcher.js';

/** How registries are reached; everything that tests want to own is here. */
export interface RegistrySettings {
  credentials: CredentialSource;
  /** Is this `host[:port]` spoken to over plain http? */
  plainHttp: (registry: string) => boolean;
  /** PEM certificates that are trusted besides the system's. */
  ca?: string;
  proxy: Proxies;
  signal: AbortSignal;
  /** Milliseconds without a connection, or without a byte, until it is given up. */
  connectMs: number;
  idleMs: number;
  /** Attempts in a row that may bring nothing. */
  maxFruitless: number;
  /** The longest Retry-After that is waited for, milliseconds. */
  maxWaitMs: number;
  now: () => number;
  pause: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** 0..1: spreads those who wait for the same registry. */
  random: () => number;
}

/** Settings from the environment (proxies, docker's credentials). Throws CONFIG_INVALID when the CA file cannot be read. */
export async function registrySettings(options: {
  env: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  /** Overrides what is spoken to loopback (http) and to others (https). */
  plainHttp?: boolean | undefined;
  caFile?: string | undefined;
}): Promise<RegistrySettings> {
  const { env, signal, plainHttp, caFile } = options;
  const { setTimeout: sleep } = await import('node:timers/promises');
  return {
    credentials: dockerCredentials(env),
    plainHttp: plainHttp === undefined ? isLoopback : () => plainHttp,
    ...(caFile === undefined ? {} : { ca: await readCa(caFile) }),
    proxy: proxiesOf(env),
    signal,
    connectMs: 15_000,
    idleMs: 60_000,
    maxFruitless: 5,
    maxWaitMs: 300_000,
    now: () => Date.now(),
    pause: async (ms, until = signal) => await sleep(ms, undefined, { signal: until }),
    random: Math.random,
  };
}

/** The hosts that docker, too, takes for insecure without being told. */
export function isLoopback(registry: string): boolean {
  const host = registry.replace(/:\d+$/, '');
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

async function readCa(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new EdgectlError('CONFIG_INVALID', { message: `${file} has no certificate that could be read.` });
}
