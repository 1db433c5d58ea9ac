import { oneLine } from '../util/escape.js';
import type { KitLine } from './types.js';

/** Versions of the node protocol that this edgectl speaks (docs/reference/node-protocol.md, section 9). */
export const spokenProtocol = { min: 1, max: 3 } as const;
/** Since this version a kit is changed by its own transaction. */
export const selfUpgradeProtocol = 2;

/** What a kit says of itself. */
export interface KitIdentity {
  version: string;
  protocolMin: number;
  protocolMax: number;
  /** sha256 of its text but for the time at which it was built; absent where it was not asked for. */
  source?: string;
}

/** What the kit says of itself in the lines of `hello`, `facts` or `status`; undefined when it says nothing, as kits before version 2 do. */
export function kitIdentity(lines: readonly KitLine[]): KitIdentity | undefined {
  for (const line of lines) {
    if (line.t !== 'kit' && line.t !== 'hello') continue;
    const [version, min, max] = [
      line.t === 'kit' ? line['version'] : line['kit'],
      line['protocol_min'],
      line['protocol_max'],
    ];
    if (typeof version !== 'string' || !isVersion(min) || !isVersion(max) || min > max) continue;
    const source = line['source'];
    const known = typeof source === 'string' && /^[0-9a-f]{64}$/.test(source) ? { source } : {};
    return { version: oneLine(version, 64), protocolMin: min, protocolMax: max, ...known };
  }
  return undefined;
}

/** Why this edgectl cannot work with a kit that says this of itself, with the next step; undefined when it can. */
export function outOfRange(
  kit: KitIdentity,
  spoken: { min: number; max: number } = spokenProtocol,
): string | undefined {
  if (kit.protocolMin <= spoken.max && kit.protocolMax >= spoken.min) return undefined;
  const said = `its kit ${kit.version} speaks protocol ${range(kit.protocolMin, kit.protocolMax)}, this edgectl ${range(spoken.min, spoken.max)}`;
  return kit.protocolMin > spoken.max
    ? `${said}: use a newer edgectl`
    : `${said}: upgrade the kit first, with edgectl rollout kit of a version in between`;
}

function range(min: number, max: number): string {
  return min === max ? String(min) : `${min} to ${max}`;
}

function isVersion(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1;
}
