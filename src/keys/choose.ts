import path from 'node:path';
import { soleAgentKey } from './agent.js';
import type { KeyOrigin } from './create.js';

/** The choice that the flags of `keys init` make. */
export interface OriginFlags {
  type: string;
  fido: boolean;
  agent: boolean;
  from?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the signing key shall come from. */
export async function keyOrigin(flags: OriginFlags, env: Environment, cwd: string): Promise<KeyOrigin> {
  if (flags.agent) return { kind: 'agent', key: await soleAgentKey(env['SSH_AUTH_SOCK']) };
  if (flags.from !== undefined) return { kind: 'from', file: path.resolve(cwd, flags.from) };
  if (flags.fido) return { kind: 'fido', type: flags.type === 'ecdsa' ? 'ecdsa-sk' : 'ed25519-sk' };
  return { kind: 'file', type: flags.type === 'rsa' || flags.type === 'ecdsa' ? flags.type : 'ed25519' };
}

/** `USER@FLEET`, with what a principal may not hold replaced. */
export function defaultPrincipal(env: Environment, fleetName: string): string {
  const clean = (text: string): string => text.replace(/[^A-Za-z0-9._+-]/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return `${clean(env['USER'] ?? env['LOGNAME'] ?? '') || 'operator'}@${clean(fleetName) || 'fleet'}`.slice(0, 100);
}
