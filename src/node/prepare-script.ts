import { EdgectlError } from '../errors/error.js';
import type { PartReader } from './kit-build.js';
import { partFile, readKitPart, stripLab } from './kit-build.js';

/** What `node prepare` puts on a node. */
export interface PrepareOptions {
  /** `install`, `undo` (give the node back to its distribution), and for each what it would do: `check`, `check-undo`. */
  mode: 'install' | 'check' | 'undo' | 'check-undo';
  init: 'systemd' | 'sandbox';
  /** The kit's text, from `buildKit`. */
  kit: string;
  node: string;
  fleet: string;
  /** Text of the node's allowed_signers file. */
  allowedSigners: string;
  /** A login of its own with one sudoers line; none when absent. */
  user?: { name: string; authorizedKey?: string };
  /** A tunnel that the node keeps to a bastion. */
  home?: HomeOptions;
  /** The root of a sandbox node; absent on a machine. */
  prefix?: string;
}

/** Where a node calls home, and what its end of the tunnel is. */
export interface HomeOptions {
  /** The bastion's name: its host keys are pinned by it. */
  bastion: string;
  address: string;
  port: number;
  /** The login for tunnels. */
  user: string;
  /** Path of the node's socket there. */
  socket: string;
  /** The port of the node's own sshd. */
  sshd: number;
  /** Lines of known_hosts for the bastion. */
  pins: string;
}

const prepareParts = ['10-json', '15-wire', '20-util', '22-facts', '35-driver', 'init', '75-remove', 'prepare'];
const factsParts = ['10-json', '15-wire', '20-util', '22-facts', 'first-facts'];
const observeParts = [
  '10-json',
  '15-wire',
  '20-util',
  '22-facts',
  '23-observe',
  '24-observe-machine',
  '26-observe-software',
  'init',
  'observe-first',
];
/** What the verb `observe` takes in a request, and the script of a first look as assignments. */
export const observeFields = [
  'known',
  'budget',
  'sysctls',
  'modules',
  'files',
  'packages',
  'units',
  'certificates',
  'runtimes',
] as const;
/** Ends the kit's text inside of the script; no line of a kit may be equal to it. */
const kitEnd = 'EDGECTL_KIT_ENDS_HERE';

/** The script of first contact, to be piped to `sh -s` as root: check or install or undo; it answers in the kit's own lines. Throws `USAGE` on names that a node cannot have. */
export async function prepareScript(options: PrepareOptions, read: PartReader = readKitPart): Promise<string> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(options.node))
    throw new EdgectlError('USAGE', { message: `A node cannot be called ${JSON.stringify(options.node)}.` });
  if (options.user && !/^[a-z_][a-z0-9_-]{0,30}$/.test(options.user.name))
    throw new EdgectlError('USAGE', { message: `A login cannot be called ${JSON.stringify(options.user.name)}.` });
  if (options.kit.split('\n').includes(kitEnd))
    throw new EdgectlError('INTERNAL', { message: 'The kit holds the line that ends it.' });
  const args = {
    mode: options.mode,
    init: options.init,
    node: options.node,
    fleet: options.fleet,
    allowed_signers: options.allowedSigners,
    user: options.user?.name ?? '',
    authorized_key: options.user?.authorizedKey ?? '',
    prefix: options.prefix ?? '',
    ...homeArguments(options.home),
  };
  const kit = options.mode === 'install' || options.mode === 'check' ? options.kit : '';
  const kitText = `kit_text() {\ncat <<'${kitEnd}'\n${kit}\n${kitEnd}\n}`;
  const home = await Promise.all([
    asFunction('home_script', 'call-home.sh', read),
    asFunction('home_unit', 'edgectl-call-home.service', read),
  ]);
  return assemble(args, [kitText, ...home].join('\n'), await readParts(prepareParts, options.init, read));
}

/** What is written into a shell file on the node has nothing in it that a shell would read otherwise. Throws USAGE. */
function homeArguments(home: HomeOptions | undefined): Record<string, string> {
  const { bastion = '', address = '', user = '', socket = '', pins = '' } = home ?? {};
  for (const text of [bastion, address, user, socket]) {
    if (!/^[A-Za-z0-9._:/@-]*$/.test(text) || text.startsWith('-'))
      throw new EdgectlError('USAGE', { message: `A node cannot call home by ${JSON.stringify(text)}.` });
  }
  return {
    home_bastion: bastion,
    home_address: address,
    home_port: home === undefined ? '' : String(home.port),
    home_user: user,
    home_socket: socket,
    home_sshd: home === undefined ? '' : String(home.sshd),
    home_pins: pins,
  };
}

async function asFunction(name: string, file: string, read: PartReader): Promise<string> {
  return `${name}() {\ncat <<'${kitEnd}'\n${(await read(file)).trimEnd()}\n${kitEnd}\n}`;
}

/** The script that reads facts from a node without a kit, to be piped to `sh -s` unprivileged. */
export async function factsScript(
  options: { components?: readonly string[]; prefix?: string } = {},
  read: PartReader = readKitPart,
): Promise<string> {
  const args = { components: (options.components ?? []).join(','), prefix: options.prefix ?? '' };
  return assemble(args, '', await readParts(factsParts, 'systemd', read));
}

/** The script of a first look at a node without a kit, to be piped to `sh -s` unprivileged; it answers like the verb `observe`. */
export async function observeScript(
  fields: Readonly<Partial<Record<(typeof observeFields)[number], string>>>,
  prefix = '',
  read: PartReader = readKitPart,
): Promise<string> {
  const args = Object.fromEntries(observeFields.map((name) => [name, fields[name] ?? '']));
  const budget = fields.budget ?? '20';
  return assemble({ ...args, budget, prefix }, '', await readParts(observeParts, 'systemd', read));
}

async function readParts(parts: readonly string[], init: PrepareOptions['init'], read: PartReader): Promise<string> {
  const texts = await Promise.all(parts.map((part) => read(partFile(part, init))));
  return texts.map(stripLab).join('\n');
}

/** dash and busybox read a script ahead, so its arguments are assignments in it and nothing in it reads standard input (contract of the wire). */
function assemble(args: Record<string, string>, extra: string, body: string): string {
  const assignments = Object.entries(args).map(([key, value]) => `ARG_${key}=${shellQuote(value)}`);
  const head = [
    'set -u',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'LC_ALL=C',
    'export PATH LC_ALL',
    'umask 022',
    'KIT_BUILT=0',
    "NL='",
    "'",
  ];
  // The braces make the shell read all of it before it begins.
  return ['{', ...head, ...assignments, extra, body, 'main', 'exit', '}', ''].join('\n');
}

/** A word in single quotes, whatever it holds but NUL. */
export function shellQuote(text: string): string {
  if (text.includes('\0')) throw new EdgectlError('USAGE', { message: 'A value for a node holds a NUL byte.' });
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
