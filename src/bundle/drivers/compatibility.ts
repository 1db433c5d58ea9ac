import type { Driver } from './schema.js';

/** What a component would become on a node; null is absent or unknown. */
export interface VersionChange {
  from: string | null;
  to: string | null;
}

/** Why a change needs care, or may not be made. */
export interface CompatibilityFinding {
  component: string;
  with?: string;
  level: 'warning' | 'refusal';
  message: string;
}

/** Judges one node's changes by the drivers' compatibility rules. `state` holds every component known there, changed or not. Pure. */
export function judgeCompatibility(
  drivers: readonly Driver[],
  state: Readonly<Record<string, VersionChange>>,
): CompatibilityFinding[] {
  const findings: CompatibilityFinding[] = [];
  for (const driver of drivers) {
    const own = state[driver.component];
    if (own === undefined || own.from === own.to) continue;
    for (const rule of driver.compatibility) {
      const other = rule.with === undefined ? undefined : state[rule.with];
      if (rule.with !== undefined && other === undefined) continue;
      if (!applies(rule.when, own, other)) continue;
      const change = `${driver.component} ${own.from ?? 'none'} → ${own.to ?? 'none'}`;
      findings.push({
        component: driver.component,
        ...(rule.with === undefined ? {} : { with: rule.with }),
        level: rule.level,
        message: `${change}: ${rule.text}`,
      });
    }
  }
  return findings;
}

type When = Driver['compatibility'][number]['when'];

function applies(when: When, own: VersionChange, other: VersionChange | undefined): boolean {
  const [from, to] = [majorOf(own.from), majorOf(own.to)];
  switch (when) {
    case 'any-change':
      return own.from !== null;
    case 'major-change':
      // With another component: both cross a major version in the same transaction.
      return crosses(own) && (other === undefined || crosses(other));
    case 'major-downgrade':
      return from !== null && to !== null && to < from;
    case 'major-ahead': {
      const beside = majorOf(other?.to ?? null);
      return to !== null && beside !== null && to > beside;
    }
  }
}

function crosses(change: VersionChange): boolean {
  const [from, to] = [majorOf(change.from), majorOf(change.to)];
  return from !== null && to !== null && from !== to;
}

/** The first number of a version, an adopted one's `0-adopted-` prefix and a Debian epoch left aside; null when there is none. */
export function majorOf(version: string | null): number | null {
  if (version === null) return null;
  const plain = version.replace(/^0-adopted-?/, '');
  const digits = /^(?:[0-9]+:)?v?([0-9]+)(?:[.~+-]|$)/.exec(plain)?.[1];
  return digits === undefined ? null : Number(digits);
}
