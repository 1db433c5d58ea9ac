import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { EdgectlError } from '../errors/error.js';
import type { Io } from './io.js';

/** Where a setting came from, strongest first. */
export type Origin = 'flag' | 'env' | 'project' | 'user' | 'default';

/** A config file: flag values for every command, and for single commands. */
export interface ConfigFile {
  origin: 'project' | 'user';
  path: string;
  defaults: Readonly<Record<string, unknown>>;
  commands: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Never taken from a file: consent belongs to the person at the keyboard. */
const neverFromFile = new Set(['yes', 'all', 'fleet', 'debug']);

interface FlagLike {
  type: 'boolean' | 'option';
  env?: string | undefined;
  default?: unknown;
  options?: readonly string[];
  multiple?: boolean;
}

/** The config files that hold here, strongest first: `<fleet>/edgectl.yaml`, then `$XDG_CONFIG_HOME/edgectl/config.yaml`. */
export async function configFiles(io: Pick<Io, 'env' | 'cwd'>, fleetDir?: string): Promise<ConfigFile[]> {
  const project = fleetDir === undefined ? upwards(io.cwd, 'fleet.yaml') : resolve(io.cwd, fleetDir);
  const home = io.env['XDG_CONFIG_HOME'] ?? join(io.env['HOME'] ?? homedir(), '.config');
  const candidates: { origin: 'project' | 'user'; path: string }[] = [
    ...(project === undefined ? [] : [{ origin: 'project' as const, path: join(project, 'edgectl.yaml') }]),
    { origin: 'user', path: join(home, 'edgectl', 'config.yaml') },
  ];
  const files: ConfigFile[] = [];
  for (const candidate of candidates) {
    if (existsSync(candidate.path)) files.push(await readConfig(candidate.origin, candidate.path));
  }
  return files;
}

/** What the files say of one flag of one command: the value and the file it stands in. */
export function lookup(
  files: readonly ConfigFile[],
  command: string,
  flag: string,
): { value: unknown; file: ConfigFile } | undefined {
  if (neverFromFile.has(flag)) return undefined;
  for (const file of files) {
    const value = file.commands[command]?.[flag] ?? file.defaults[flag];
    if (value !== undefined) return { value, file };
  }
  return undefined;
}

/** Flags whose defaults are replaced by the config files' values (flag > env > project > user > default). */
export async function applyDefaults<T extends Record<string, unknown>>(
  flags: T,
  context: { io: Io; command: string; argv: readonly string[] },
): Promise<T> {
  const files = await configFiles(context.io, fleetFrom(context.argv, context.io.env));
  if (files.length === 0) return flags;
  const entries = Object.entries(flags).map(([name, flag]) => {
    const found = lookup(files, context.command, name);
    return [
      name,
      found === undefined ? flag : { ...(flag as FlagLike), default: checked(name, flag as FlagLike, found) },
    ] as const;
  });
  return Object.fromEntries(entries) as T;
}

function checked(name: string, flag: FlagLike, { value, file }: { value: unknown; file: ConfigFile }): unknown {
  // A flag that may be given several times is a list for oclif, also when there is one value.
  if (flag.multiple === true) return (Array.isArray(value) ? value : [value]).map((one) => String(one));
  const want = flag.type === 'boolean' ? 'true or false' : (flag.options?.join(', ') ?? 'a text or a number');
  const fits =
    flag.type === 'boolean'
      ? typeof value === 'boolean'
      : flag.options === undefined
        ? typeof value === 'string' || typeof value === 'number'
        : flag.options.includes(String(value));
  if (fits) return value;
  throw new EdgectlError('CONFIG_INVALID', {
    message: `${file.path}: ${name} should be ${want}, but is ${JSON.stringify(value)}.`,
  });
}

async function readConfig(origin: 'project' | 'user', path: string): Promise<ConfigFile> {
  const { parse } = await import('yaml');
  let raw: unknown;
  try {
    raw = parse(readFileSync(path, 'utf8')) ?? {};
  } catch (error) {
    throw new EdgectlError('CONFIG_INVALID', {
      message: `${path}: ${error instanceof Error ? error.message : String(error)}`,
      cause: error,
    });
  }
  const isMap = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const wrong = (what: string): EdgectlError =>
    new EdgectlError('CONFIG_INVALID', {
      message: `${path}: ${what}`,
      hint: 'it holds `defaults:` and `commands:`, both maps of flag names to values',
    });
  if (!isMap(raw)) throw wrong('should be a map.');
  const unknown = Object.keys(raw).find((key) => key !== 'defaults' && key !== 'commands');
  if (unknown !== undefined) throw wrong(`unknown key ${JSON.stringify(unknown)}.`);
  const defaults = raw['defaults'] ?? {};
  const commands = raw['commands'] ?? {};
  if (!isMap(defaults) || !isMap(commands) || !Object.values(commands).every(isMap))
    throw wrong('defaults and commands should be maps.');
  return { origin, path, defaults, commands: commands as ConfigFile['commands'] };
}

function fleetFrom(argv: readonly string[], env: Io['env']): string | undefined {
  const at = argv.indexOf('--fleet');
  const given = at === -1 ? argv.find((word) => word.startsWith('--fleet='))?.slice('--fleet='.length) : argv[at + 1];
  return given ?? env['EDGECTL_FLEET'];
}

/** The nearest directory upwards that holds a file of that name. */
export function upwards(from: string, name: string): string | undefined {
  for (let dir = resolve(from); ; dir = dirname(dir)) {
    if (existsSync(join(dir, name))) return dir;
    if (dirname(dir) === dir) return undefined;
  }
}
