import type { KitLine } from '../node/types.js';
import { oneLine } from '../util/escape.js';
import { parseFacts, type NodeFacts } from './facts.js';
import { rawFacts, type RawFacts } from './raw.js';

/** One thing that edgectl does with nodes, and whether this one lets it. */
export interface Ability {
  what: 'look' | 'roll out' | 'call home';
  state: 'ok' | 'refused' | 'unknown';
  /** What is missing, when it is refused; what could not be seen, when it is unknown. */
  why: string[];
}

/** What a node is, what can be done with it, and whether a node like it is in the tests. */
export interface NodeSupport {
  system: string;
  abilities: Ability[];
  /** `tried`: the tests run on such a system. `unproven`: nobody has, and why that is to be known. */
  proof: { state: 'tried' | 'unproven'; what: string };
}

/** systemd that the kit needs (templates/node/init-systemd.sh). */
const leastSystemd = 240;

/** Systems that cannot be run in the tests. */
export const unprovenSystems: readonly { name: string; why: string; ids: readonly string[] }[] = [
  {
    name: 'RHEL and its kin',
    why: 'no such machine is in the tests',
    ids: ['rhel', 'centos', 'rocky', 'almalinux', 'ol', 'fedora', 'amzn'],
  },
  { name: 'Yocto', why: 'no image of it is in the tests', ids: ['poky', 'nodistro', 'yocto'] },
  { name: 'SELinux enforcing', why: 'it cannot run in the tests; the kit refuses it', ids: [] },
];

/** Releases on which the tests roll out, on machines with a systemd of their own. */
export const triedReleases: readonly string[] = ['debian 13 amd64'];

/** Reads the answer of the script of first contact. */
export function supportOf(lines: readonly KitLine[], now: number): NodeSupport {
  const facts = parseFacts(lines, { kit: false, now });
  const raw = rawFacts(lines);
  const rollOut = rollOutOf(facts, raw);
  return {
    system: systemOf(facts, raw),
    abilities: [{ what: 'look', state: 'ok', why: [] }, rollOut, callHomeOf(rollOut, raw)],
    proof: proofOf(facts, raw),
  };
}

function systemOf({ os, arch, init }: NodeFacts, raw: RawFacts): string {
  const process1 =
    init?.kind === 'systemd' ? `systemd ${init.version ?? '?'}` : (raw.get('init.name') ?? 'unknown init');
  const userland = raw.get('userland') === 'busybox' ? ', busybox' : '';
  return oneLine(
    `${os === undefined ? 'unknown system' : `${os.id} ${os.version}`.trim()} ${arch ?? ''}, ${process1}${userland}`,
    120,
  );
}

/** The same conditions as `node prepare` checks as root, where it may see more. */
function rollOutOf({ init, verifies }: NodeFacts, raw: RawFacts): Ability {
  const refused: string[] = [];
  const unseen: string[] = [];
  if (init?.kind !== 'systemd')
    refused.push(`no systemd: process 1 is ${oneLine(raw.get('init.name') ?? 'unknown', 32)}`);
  else if ((init.version ?? 0) < leastSystemd)
    refused.push(`systemd ${leastSystemd} or later is needed, this is ${init.version ?? 'unknown'}`);
  if (verifies === false) refused.push('no ssh-keygen that verifies signatures (OpenSSH 8.2 or later)');
  else if (verifies === undefined) unseen.push('ssh-keygen');
  const missing = raw.get('tools.missing');
  if (missing === undefined) unseen.push('tools');
  else if (missing !== 'none') refused.push(`not installed: ${oneLine(missing, 200)}`);
  if (raw.get('selinux') === 'enforcing') refused.push('SELinux is enforcing');
  const disk = raw.get('disk.type');
  if (disk === 'tmpfs' || disk === 'ramfs') refused.push(`/var/lib is on ${disk} and is empty after a boot`);
  const state = refused.length > 0 ? 'refused' : unseen.length > 0 ? 'unknown' : 'ok';
  return { what: 'roll out', state, why: refused.length > 0 ? refused : unseen };
}

function callHomeOf(rollOut: Ability, raw: RawFacts): Ability {
  if (rollOut.state !== 'ok') return { ...rollOut, what: 'call home', why: ['as for roll out'] };
  if (raw.get('ssh') === 'openssh') return { what: 'call home', state: 'ok', why: [] };
  return { what: 'call home', state: 'refused', why: ['no ssh of OpenSSH is installed'] };
}

function proofOf({ os, arch, init }: NodeFacts, raw: RawFacts): NodeSupport['proof'] {
  const unproven = (what: string): NodeSupport['proof'] => ({ state: 'unproven', what });
  if (raw.get('selinux') === 'enforcing') return unproven('SELinux enforcing');
  const kin = unprovenSystems.find(({ ids }) => ids.includes(os?.id ?? ''));
  if (kin !== undefined) return unproven(kin.name);
  if (init?.kind !== 'systemd' && raw.get('userland') === 'busybox')
    return { state: 'tried', what: 'first contact with busybox' };
  const release = `${os?.id ?? ''} ${os?.version ?? ''} ${arch ?? ''}`;
  const tried = init?.kind === 'systemd' && triedReleases.includes(release);
  return tried ? { state: 'tried', what: release } : unproven(oneLine(release, 60));
}
