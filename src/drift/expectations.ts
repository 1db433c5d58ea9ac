import type { DesiredState } from '../fleet/desired.js';
import type { Problem } from '../fleet/problem.js';
import { throwProblems } from '../fleet/problem.js';
import type { DesiredBlock } from '../fleet/schema/desired-file.js';
import { matcher } from '../fleet/select-nodes.js';
import { parseSelector } from '../fleet/selector.js';
import type { Fleet, FleetNode } from '../fleet/types.js';
import { absent, attributeOf } from './attributes.js';
import type { Expectation, Severity, Where } from './types.js';

/** How bad it is when desired state does not say: what a workload can notice is breaking. */
const usual = {
  sysctls: 'cosmetic',
  'kernel-parameters': 'cosmetic',
  files: 'breaking',
  units: 'breaking',
  packages: 'cosmetic',
} as const satisfies Record<string, Severity>;

interface Want {
  attribute: string;
  value: string;
  says?: string;
  section: keyof typeof usual;
  path: readonly PropertyKey[];
}

/**
 * What the fleet repository expects of its nodes: runtimes.yaml, desired.yaml and state/*.yaml. Throws CONFIG_INVALID when
 * two entries want different values of one attribute on the same node.
 */
export function expectationsOf(fleet: Fleet): Expectation[] {
  const nodes = fleet.nodes.filter((node) => node.state !== 'retired');
  const expectations = [
    ...runtimes(fleet, nodes),
    ...(fleet.desired === undefined ? [] : others(fleet.desired, nodes)),
  ];
  throwProblems(clashes(expectations));
  return expectations;
}

function chosen(nodes: readonly FleetNode[], on: string): ReadonlySet<string> {
  const matches = on === '' ? () => true : matcher(parseSelector(on));
  return new Set(nodes.filter(matches).map((node) => node.id));
}

function runtimes(fleet: Fleet, nodes: readonly FleetNode[]): Expectation[] {
  return fleet.runtimes.map(({ component, version, digests, on }) => ({
    attribute: attributeOf.runtimeBundle(component),
    values: Object.fromEntries(Object.entries(digests).map(([arch, hex]) => [arch, `sha256:${hex}`])),
    says: version,
    nodes: chosen(nodes, on),
    severity: 'breaking',
    where: { file: 'runtimes.yaml', line: 1, column: 1 },
  }));
}

function others(desired: DesiredState, nodes: readonly FleetNode[]): Expectation[] {
  return desired.blocks.flatMap(({ file, value, placeOf }) =>
    value.flatMap((block, index) => {
      const meant = chosen(nodes, block.on ?? '');
      return wants(block, desired.contents).map(({ attribute, value: wanted, says, section, path }) => ({
        attribute,
        values: { all: wanted },
        ...(says === undefined ? {} : { says }),
        nodes: meant,
        severity: block.severity ?? usual[section],
        where: { file, ...placeOf([index, section, ...path]) },
      }));
    }),
  );
}

function wants(block: DesiredBlock, contents: DesiredState['contents']): Want[] {
  const simple = (section: 'sysctls' | 'kernel-parameters' | 'units' | 'packages', name: (key: string) => string) =>
    Object.entries(block[section] ?? {}).map(([key, value]): Want => ({
      attribute: name(key),
      value,
      section,
      path: [key],
    }));
  return [
    ...simple('sysctls', attributeOf.sysctl).map((want) => ({
      ...want,
      value: want.value.trim().split(/\s+/).join(' '),
    })),
    ...simple('kernel-parameters', attributeOf.kernelParameter),
    ...Object.entries(block.files ?? {}).flatMap(([target, file]) => fileWants(target, file, contents)),
    ...simple('units', attributeOf.unit),
    ...simple('packages', attributeOf.package),
  ];
}

type WantedFile = NonNullable<DesiredBlock['files']>[string];

function fileWants(target: string, file: WantedFile, contents: DesiredState['contents']): Want[] {
  const want = (what: 'digest' | 'mode' | 'owner', value: string, key: string, says?: string): Want => ({
    attribute: attributeOf.file(target, what),
    value,
    ...(says === undefined ? {} : { says }),
    section: 'files',
    path: [target, key],
  });
  if (file.absent !== undefined) return [{ ...want('digest', absent, ''), path: [target] }];
  const { content, digest, mode, owner } = file;
  const held = content === undefined ? undefined : contents.get(content);
  return [
    ...(held === undefined || content === undefined ? [] : [want('digest', held, 'content', `as in ${content}`)]),
    ...(digest === undefined ? [] : [want('digest', `sha256:${digest}`, 'digest')]),
    ...(mode === undefined ? [] : [want('mode', mode, 'mode')]),
    ...(owner === undefined ? [] : [want('owner', owner, 'owner')]),
  ];
}

/** Two entries that want different things of one attribute on the same node, told once a pair. */
function clashes(expectations: readonly Expectation[]): Problem[] {
  const byAttribute = new Map<string, Expectation[]>();
  for (const one of expectations) byAttribute.set(one.attribute, [...(byAttribute.get(one.attribute) ?? []), one]);
  const problems: Problem[] = [];
  for (const [attribute, all] of byAttribute)
    for (const [index, one] of all.entries())
      for (const other of all.slice(0, index)) {
        const node = [...one.nodes].find((id) => other.nodes.has(id));
        if (node === undefined || JSON.stringify(one.values) === JSON.stringify(other.values)) continue;
        problems.push({
          ...one.where,
          message: `${attribute} on ${node}: ${placeText(other.where)} wants something else`,
        });
      }
  return problems;
}

/** `desired.yaml:3:5`. */
export function placeText({ file, line, column }: Where): string {
  return `${file}:${line}:${column}`;
}
