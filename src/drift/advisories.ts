import type { Observation } from '../facts/observed.js';
import type { Written } from '../fleet/desired.js';
import type { AdvisoriesFile } from '../fleet/schema/drift-file.js';
import { compareVersions } from '../fleet/version.js';
import { shown } from './attributes.js';
import type { Finding } from './types.js';

type Advisory = AdvisoriesFile[string];

/** Versions with known faults, from advisories.yaml. Nothing is fetched from anywhere. */
export class Advisories {
  readonly #byComponent = new Map<string, { id: string; advisory: Advisory }[]>();

  constructor(private readonly written?: Written<AdvisoriesFile>) {
    for (const [id, advisory] of Object.entries(written?.value ?? {})) {
      const list = this.#byComponent.get(advisory.component) ?? [];
      list.push({ id, advisory });
      this.#byComponent.set(advisory.component, list);
    }
  }

  get empty(): boolean {
    return this.#byComponent.size === 0;
  }

  /** What of a node has a known fault: one finding for each component, with every advisory that it falls under. */
  against(node: string, attributes: ReadonlyMap<string, Observation>): Finding[] {
    const findings: Finding[] = [];
    for (const [component, all] of this.#byComponent)
      for (const attribute of [`runtime.${component}.version`, `package.${component}`]) {
        const observation = attributes.get(attribute);
        const version = observation?.value;
        if (observation === undefined || version === undefined || !/^v?\d/.test(version)) continue;
        const hits = all.filter(({ advisory }) => isAffected(version, advisory));
        const [first] = hits;
        if (first === undefined) continue;
        const fixed =
          hits
            .map(({ advisory }) => fixFor(version, advisory))
            .sort(compareVersions)
            .at(-1) ?? '';
        const names = hits.map(({ id }) => id).join(', ');
        findings.push({
          kind: 'advisory',
          class: 'unexpected',
          severity: 'security',
          node,
          attribute,
          found: shown(version),
          expected: `${fixed} or later`,
          since: observation.since,
          seenAt: observation.seenAt,
          why:
            hits.length === 1 && first.advisory.summary !== undefined ? `${names}: ${first.advisory.summary}` : names,
          ...(this.written === undefined
            ? {}
            : { where: { file: this.written.file, ...this.written.placeOf([first.id]) } }),
        });
      }
    return findings;
  }
}

/** `1.3` of `1.3.6`: the branch that fixes are made for. An epoch before it belongs to it. */
function branch(version: string): string {
  return /^v?(?:\d+:)?\d+(?:\.\d+)?/.exec(version)?.[0].replace(/^v/, '') ?? version;
}

/**
 * A version is affected when it is not below `from`, and the fix of its own branch, or else the newest fix, is above it. So
 * with fixes 1.2.8 and 1.3.3, 1.2.9 is good and 1.3.0 is not.
 */
export function isAffected(version: string, { fixed, from }: Pick<Advisory, 'fixed' | 'from'>): boolean {
  if (from !== undefined && compareVersions(version, from) < 0) return false;
  return compareVersions(version, fixFor(version, { fixed })) < 0;
}

function fixFor(version: string, { fixed }: Pick<Advisory, 'fixed'>): string {
  const own = fixed.find((fix) => branch(fix) === branch(version));
  return own ?? [...fixed].sort(compareVersions).at(-1) ?? '';
}
