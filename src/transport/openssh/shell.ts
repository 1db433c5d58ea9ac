import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runOnTerminal } from '../../process/terminal.js';
import type { Target } from '../types.js';
import { asArguments, type CommonOptions, hopAlias, hopsConfig, loginOptions, proxyCommand } from './options.js';

/** What a person's own session needs apart from its target. */
export interface ShellOptions {
  knownHostsFile: string;
  /** Temporary directory of the user, for the configuration of bastions. */
  env: Readonly<Record<string, string | undefined>>;
  /** A configuration of the operator's own (`ssh -F`); without it the usual ones. */
  configFile?: string;
}

/** Of a session for a person: ssh may ask for a passphrase, and `~.` ends it. The host key is never asked about. */
const forPeople = new Map([
  ['BatchMode', 'no'],
  ['RequestTTY', 'auto'],
  ['EscapeChar', '~'],
]);

/** Gives the terminal to ssh until the person leaves; answers what ssh ended with, 255 when it failed itself. Throws TOOL_MISSING. */
export async function runShell(target: Target, options: ShellOptions): Promise<number> {
  const { argv, dispose } = await shellCommand(target, options);
  return await runOnTerminal(argv).finally(dispose);
}

/** The ssh command line of an interactive session with only pinned host keys, also on the way; `dispose` removes its files. */
async function shellCommand(
  target: Target,
  options: ShellOptions,
): Promise<{ argv: [string, ...string[]]; dispose: () => Promise<void> }> {
  const common: CommonOptions = { knownHostsFile: options.knownHostsFile, connectS: 10, keepaliveS: 15 };
  const config = options.configFile === undefined ? [] : ['-F', options.configFile];
  const login = loginOptions(target, common).map(([key, value]) => [key, forPeople.get(key) ?? value] as const);
  const direct = ['ControlMaster=no', 'ControlPath=none'].flatMap((option) => ['-o', option]);
  const hops = target.via ?? [];
  if (hops.length === 0)
    return { argv: ['ssh', ...config, ...direct, ...asArguments(login), target.host], dispose: async () => undefined };
  const dir = await mkdtemp(join(options.env['XDG_RUNTIME_DIR'] ?? tmpdir(), 'edgectl-'));
  const file = join(dir, 'config');
  const log = (index: number): string => join(dir, `log-${index}`);
  const blocks = hops.map((hop, index) => {
    const before = hops[index - 1];
    const proxy =
      before === undefined ? {} : { proxy: proxyCommand(file, hopAlias(index - 1, before), log(index), true) };
    return { hop, controlPath: 'none', ...proxy };
  });
  const include = options.configFile === undefined ? ['~/.ssh/config', '/etc/ssh/ssh_config'] : [options.configFile];
  await writeFile(file, hopsConfig(blocks, common, include), { mode: 0o600 });
  const last = hops.length - 1;
  const proxy = proxyCommand(file, hopAlias(last, hops[last] as (typeof hops)[number]), log(hops.length), true);
  return {
    argv: ['ssh', ...config, ...direct, ...asArguments([['ProxyCommand', proxy], ...login]), target.host],
    dispose: async () => await rm(dir, { recursive: true, force: true }),
  };
}
