import { parseKeyValueText } from './slice.js';

/** What is frozen about the preparation of one node: part of its signed slice, so that no plan file can be edited into another one. */
export interface Preparation {
  /** Installs the kit, or takes everything of edgectl away. */
  mode: 'install' | 'undo';
  /** The login for this once, instead of the fleet's. */
  login?: string;
  /** The login of its own that the node gets; none when the fleet logs in as root. */
  user?: string;
  /** Public key, as one line, that may log in as `user`. */
  key?: string;
  /** The kit: sha256 of its text, and the build time (Unix seconds) in it. Absent when it is taken away. */
  kit?: { digest: string; builtAt: number };
  /** sha256 of the allowed_signers file that the node gets. */
  signers?: string;
  /** The tunnel that the node shall keep to a bastion. */
  home?: HomeOfNode;
  /** A node that calls home is reached at its address this once. */
  direct?: true;
}

/** Where a node calls home. */
export interface HomeOfNode {
  /** The bastion's name. */
  bastion: string;
  address: string;
  port: number;
  /** The login for tunnels. */
  user: string;
  /** Path of the node's socket there. */
  socket: string;
  /** The port of the node's own sshd. */
  sshd: number;
  /** The bastion's host keys, `type base64` each. */
  keys: readonly string[];
}

/** The lines of a slice that say it. */
export function preparationLines(what: Preparation): Record<string, string> {
  const lines: Record<string, string | undefined> = {
    ...homeLines(what.home),
    'prepare.direct': what.direct === true ? '1' : undefined,
    'prepare.built': what.kit === undefined ? undefined : String(what.kit.builtAt),
    'prepare.key': what.key,
    'prepare.kit': what.kit?.digest,
    'prepare.login': what.login,
    'prepare.signers': what.signers,
    'prepare.user': what.user,
  };
  return Object.fromEntries(Object.entries(lines).filter((line): line is [string, string] => line[1] !== undefined));
}

function homeLines(home: HomeOfNode | undefined): Record<string, string> {
  if (home === undefined) return {};
  const { bastion, address, port, user, socket, sshd, keys } = home;
  return {
    'prepare.home.address': address,
    'prepare.home.bastion': bastion,
    'prepare.home.keys': keys.join(','),
    'prepare.home.port': String(port),
    'prepare.home.socket': socket,
    'prepare.home.sshd': String(sshd),
    'prepare.home.user': user,
  };
}

function homeOfFields(fields: ReadonlyMap<string, string>): HomeOfNode | undefined {
  const of = (name: string): string => fields.get(`prepare.home.${name}`) ?? '';
  if (of('bastion') === '') return undefined;
  return {
    bastion: of('bastion'),
    address: of('address'),
    port: Number(of('port')),
    user: of('user'),
    socket: of('socket'),
    sshd: Number(of('sshd')),
    keys: of('keys').split(','),
  };
}

/** Reads it back; null when the slice is for something else or cannot be read. */
export function preparationOf(slice: string): Preparation | null {
  const fields = parseKeyValueText(slice);
  const kind = fields?.get('kind');
  if (fields === null || (kind !== 'prepare' && kind !== 'unprepare')) return null;
  const optional = (name: 'login' | 'user' | 'key' | 'signers'): Partial<Preparation> => {
    const value = fields.get(`prepare.${name}`);
    return value === undefined ? {} : { [name]: value };
  };
  const [digest, builtAt] = [fields.get('prepare.kit'), Number(fields.get('prepare.built'))];
  if (kind === 'prepare' && (digest === undefined || !Number.isSafeInteger(builtAt))) return null;
  const home = homeOfFields(fields);
  return {
    ...(home === undefined ? {} : { home }),
    ...(fields.get('prepare.direct') === '1' ? { direct: true as const } : {}),
    mode: kind === 'prepare' ? 'install' : 'undo',
    ...optional('login'),
    ...optional('user'),
    ...optional('key'),
    ...optional('signers'),
    ...(digest === undefined ? {} : { kit: { digest, builtAt } }),
  };
}
