import { EdgectlError } from '../errors/error.js';
import type { ComponentDigests, HealthPolicy, Plan } from './types.js';

/** What a slice can ask of a node (docs/reference/node-protocol.md, section 3). */
export type SliceKind = 'update' | 'rollback' | 'undeny' | 'eject' | 'gc' | 'prepare' | 'unprepare';

/** What becomes of the state of a class C component that goes back: what is there stays, or the copy from before is put back. */
export type StateChoice = 'keep' | 'restore';

/** One node's part of a plan, before it is written as text. */
export interface SliceFields {
  kind: SliceKind;
  fleet: string;
  node: string;
  run: string;
  series: number;
  /** Unix seconds. */
  expires: number;
  health: HealthPolicy;
  emergency?: boolean;
  /** Digests seen at plan time; null is "none". */
  expect?: ComponentDigests;
  /** What shall be true; null removes the component from the generation. */
  want?: Readonly<Record<string, { version: string; digest: string } | null>>;
  /** Of components that go back (kinds `rollback` and `eject`); without it a node refuses to take a class C component back. */
  state?: Readonly<Record<string, StateChoice>>;
  /** Bundle digests to take off the denied list, by component. */
  undeny?: Readonly<Record<string, readonly string[]>>;
  /** For kind `gc`: the copies of state behind committed changes go too. */
  snapshots?: boolean;
  /** For kinds `prepare` and `unprepare`: further lines, `prepare.*`. */
  preparation?: Readonly<Record<string, string>>;
}

/** Compares by bytes of UTF-8, as `LC_ALL=C sort` does. */
export function compareC(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** The exact text of a slice: sorted `key=value` lines. Throws PLAN_INVALID for a value that a line cannot hold. */
export function sliceText(fields: SliceFields): string {
  const lines: Record<string, string> = {
    'confirm.window': String(fields.health.confirmS),
    'edgectl-slice': '1',
    emergency: fields.emergency === true ? '1' : '0',
    expires: String(fields.expires),
    fleet: fields.fleet,
    'health.cap': String(fields.health.capS),
    'health.passes': String(fields.health.passes),
    'health.window': String(fields.health.windowS),
    kind: fields.kind,
    node: fields.node,
    run: fields.run,
    series: String(fields.series),
  };
  for (const [component, digest] of Object.entries(fields.expect ?? {}))
    lines[`expect.${component}`] = digest ?? 'none';
  for (const [component, want] of Object.entries(fields.want ?? {})) {
    lines[`want.${component}`] = want === null ? 'none' : `${want.version} ${want.digest}`;
  }
  Object.assign(lines, fields.preparation);
  if (fields.snapshots === true) lines['gc.snapshots'] = '1';
  for (const [component, choice] of Object.entries(fields.state ?? {})) lines[`state.${component}`] = choice;
  for (const [component, digests] of Object.entries(fields.undeny ?? {}))
    lines[`undeny.${component}`] = [...digests].sort(compareC).join(' ');
  return keyValueText(lines);
}

/** The text that is signed with namespace `edgectl-plan`: it binds the Merkle root to fleet, run, series and expiry. */
export function planStatement(
  plan: { id: string; fleet: { id: string }; series: number; expires: number },
  root: string,
): string {
  return keyValueText({
    'edgectl-plan': '1',
    expires: String(plan.expires),
    fleet: plan.fleet.id,
    root,
    run: plan.id,
    series: String(plan.series),
  });
}

/** What {@link buildSlices} reads of a plan that is being made. */
export type SliceSource = Pick<Plan, 'id' | 'kind' | 'fleet' | 'series' | 'expires' | 'health' | 'nodes'>;

/** Choices that a plan does not carry. */
export interface SliceOptions {
  /** The version that belongs to a bundle digest. */
  versionOf: (component: string, digest: string) => string;
  /** Overrides local vetoes; audited on the node. */
  emergency?: boolean;
  /** For kinds `rollback` and `eject`: what becomes of the state of class C, by node id and component. */
  state?: Readonly<Record<string, Readonly<Record<string, StateChoice>>>>;
  /** For kind `undeny`: digests to lift, by node id and component. */
  undeny?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  /** For kind `gc`: see {@link SliceFields}. */
  snapshots?: boolean;
  /** For kinds `prepare` and `unprepare`: lines `prepare.*` by node id. */
  preparation?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** The slice of each node that has a stage, also of nodes that are offline or not seen yet: an offline node's slice is frozen too. */
export function buildSlices(plan: SliceSource, options: SliceOptions): Record<string, string> {
  const slices: Record<string, string> = {};
  for (const node of plan.nodes) {
    if (node.stage === null) continue;
    const undeny = options.undeny?.[node.id];
    const preparation = options.preparation?.[node.id];
    const state = options.state?.[node.id];
    const want: Record<string, { version: string; digest: string } | null> = {};
    for (const [component, digest] of Object.entries(node.expectAfter)) {
      want[component] = digest === null ? null : { version: options.versionOf(component, digest), digest };
    }
    slices[node.id] = sliceText({
      kind: plan.kind === 'runtime' ? 'update' : plan.kind,
      fleet: plan.fleet.id,
      node: node.id,
      run: plan.id,
      series: plan.series,
      expires: plan.expires,
      health: plan.health,
      emergency: options.emergency === true,
      ...(node.observed === null ? {} : { expect: node.expectBefore }),
      ...(plan.kind === 'runtime' || plan.kind === 'rollback' ? { want } : {}),
      ...(state === undefined ? {} : { state }),
      ...(undeny === undefined ? {} : { undeny }),
      ...(options.snapshots === undefined ? {} : { snapshots: options.snapshots }),
      ...(preparation === undefined ? {} : { preparation }),
    });
  }
  return slices;
}

/** Reads a slice or a plan statement; null when the text is not sorted `key=value` lines. */
export function parseKeyValueText(text: string): ReadonlyMap<string, string> | null {
  if (text === '' || !text.endsWith('\n')) return null;
  const fields = new Map<string, string>();
  let previous = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const at = line.indexOf('=');
    const key = line.slice(0, at);
    if (at < 1 || !KEY.test(key) || (previous !== '' && compareC(previous, key) >= 0)) return null;
    fields.set(key, line.slice(at + 1));
    previous = key;
  }
  return fields;
}

const KEY = /^[a-z0-9_.-]+$/;
// eslint-disable-next-line no-control-regex -- control characters are what must not be there
const BAD_VALUE = /[\u0000-\u001f\u007f]/;

function keyValueText(lines: Readonly<Record<string, string>>): string {
  let text = '';
  for (const key of Object.keys(lines).sort(compareC)) {
    const value = lines[key] ?? '';
    if (!KEY.test(key) || BAD_VALUE.test(value)) {
      throw new EdgectlError('PLAN_INVALID', {
        message: `A slice cannot hold ${JSON.stringify(key)}=${JSON.stringify(value)}.`,
      });
    }
    text += `${key}=${value}\n`;
  }
  return text;
}
