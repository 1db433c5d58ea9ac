import type { Endpoint, Hop } from '../types.js';

/** What every ssh process of one transport is told. */
export interface CommonOptions {
  knownHostsFile: string;
  connectS: number;
  keepaliveS: number;
}

/** A value of ssh_config(5): `%` stands for itself, words with blanks are quoted. */
export function configValue(text: string): string {
  const literal = text.replaceAll('%', '%%');
  return /[\s"#\\]/u.test(literal) ? `"${literal.replaceAll(/["\\]/gu, '\\$&')}"` : literal;
}

/** Options of ssh_config(5) for logging in to one sshd: only pinned host keys, no questions, nothing forwarded. */
export function loginOptions(endpoint: Endpoint, common: CommonOptions): [string, string][] {
  return [
    ['Port', String(endpoint.port)],
    ['User', configValue(endpoint.user)],
    ['HostKeyAlias', configValue(endpoint.nodeId)],
    ['UserKnownHostsFile', configValue(common.knownHostsFile)],
    ['GlobalKnownHostsFile', '/dev/null'],
    ['StrictHostKeyChecking', 'yes'],
    ['CheckHostIP', 'no'],
    ['VerifyHostKeyDNS', 'no'],
    ['UpdateHostKeys', 'no'],
    ['BatchMode', 'yes'],
    ...endpoint.identityFiles.map((path): [string, string] => ['IdentityFile', configValue(path)]),
    ...(endpoint.identityFiles.length > 0 ? ([['IdentitiesOnly', 'yes']] as [string, string][]) : []),
    ...(endpoint.agent === undefined ? ([['IdentityAgent', 'none']] as [string, string][]) : []),
    ['ConnectTimeout', String(common.connectS)],
    ['ServerAliveInterval', String(common.keepaliveS)],
    ['ServerAliveCountMax', '3'],
    ['ClearAllForwardings', 'yes'],
    ['ForwardAgent', 'no'],
    ['ForwardX11', 'no'],
    ['PermitLocalCommand', 'no'],
    ['RemoteCommand', 'none'],
    ['RequestTTY', 'no'],
    ['EscapeChar', 'none'],
  ];
}

/** Options as arguments. */
export function asArguments(options: readonly (readonly [string, string])[]): string[] {
  return options.flatMap(([key, value]) => ['-o', `${key}=${value}`]);
}

/** The name of a bastion in the configuration that ssh is given; a user's own `Host` lines can match it. */
export function hopAlias(index: number, hop: Hop): string {
  return `edgectl-bastion-${index}-${hop.nodeId}`;
}

/** A command line for ProxyCommand: the shell of the user reads it, after ssh has expanded its `%`. */
export function proxyCommand(configFile: string, alias: string, logFile: string, direct: boolean): string {
  const quoted = (path: string): string => `'${path.replaceAll('%', '%%').replaceAll("'", `'\\''`)}'`;
  const path = direct ? ' -o ControlPath=none' : '';
  return `ssh -F ${quoted(configFile)} -E ${quoted(logFile)}${path} -W '[%h]:%p' ${alias}`;
}

/** How a chain of bastions is written for ssh -F: a block each, then what the user has configured for everything else. */
export function hopsConfig(
  hops: readonly { hop: Hop; controlPath: string; proxy?: string }[],
  common: CommonOptions,
  include: readonly string[],
): string {
  const blocks = hops.map(({ hop, controlPath, proxy }, index) => {
    const options: [string, string][] = [
      ['HostName', configValue(hop.host)],
      ...loginOptions(hop, common).filter(([key]) => key !== 'ClearAllForwardings'),
      ['ControlPath', configValue(controlPath)],
      ['ProxyCommand', proxy ?? 'none'],
    ];
    return [`Host ${hopAlias(index, hop)}`, ...options.map(([key, value]) => `  ${key} ${value}`)].join('\n');
  });
  return [...blocks, 'Match all', ...include.map((file) => `  Include ${configValue(file)}`), ''].join('\n');
}
