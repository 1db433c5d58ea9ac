import { createHash } from 'node:crypto';
import { EdgectlError } from '../../errors/error.js';
import { selectNodes } from '../../fleet/select-nodes.js';
import type { Fleet } from '../../fleet/types.js';
import { ageEncrypt, generateAgeIdentity } from '../../seal/age.js';
import type { Sensitive } from '../../seal/sensitive.js';
import type { EnrolledNode, NodeClass } from '../../secrets/enrolled.js';
import { isLower, readAllEnrolled, writeEnrolled } from '../../secrets/enrolled.js';
import type { OperatorKeys } from '../../secrets/keys.js';
import { requireOperatorKeys } from '../../secrets/keys.js';
import { revokeForNode, sealForNode } from '../../secrets/seal-for-node.js';
import type { SealedForNode, SecretEntry } from '../../secrets/store.js';
import { checkSecretName, SecretStore } from '../../secrets/store.js';
import { mapLimit } from '../../util/map-limit.js';
import type { Surroundings } from '../surroundings.js';

/** What is said about a secret; what is left out stays as it was, or takes its default. */
export interface SecretSettings {
  for?: string | undefined;
  units?: readonly string[] | undefined;
  owner?: string | undefined;
  mode?: SecretEntry['mode'] | undefined;
  require?: NodeClass | undefined;
}

/** What a new generation came to. */
export interface SetResult {
  name: string;
  generation: number;
  sealed: string[];
  /** Nodes that lose it. */
  revoked: string[];
  /** Nodes that it is for and that cannot have it yet, with the reason. */
  left: { node: string; why: string }[];
}

/**
 * Encrypts a new generation once and seals its key for each enrolled node that it is for; nothing is contacted. Nodes that
 * had it and are not meant any more get their revocation. Throws USAGE, SECRET_NOT_FOUND, NODE_CLASS, NODE_NOT_ENROLLED, NOTHING_SELECTED.
 */
export async function setSecret(
  fleet: Fleet,
  around: Surroundings,
  name: string,
  secret: Sensitive<Buffer>,
  settings: SecretSettings & { mustExist?: boolean },
): Promise<SetResult> {
  checkSecretName(name);
  const keys = await requireOperatorKeys(fleet, around);
  const store = new SecretStore(fleet.dir);
  const before = await store.entry(name);
  if (settings.mustExist === true && before?.state !== 'live')
    throw new EdgectlError('SECRET_NOT_FOUND', { message: `The fleet has no secret ${name} to rotate.` });
  const entry = nextEntry(name, before, settings, around);
  const known = await readAllEnrolled(fleet, keys.manifest.publicKey);
  const meant = selectNodes(fleet, entry.for).map((node) => node.id);
  if (meant.length === 0)
    throw new EdgectlError('NOTHING_SELECTED', { message: `${entry.for} matches no node of the fleet.` });
  const { able, left } = sort(meant, known, entry);
  if (able.length === 0)
    throw new EdgectlError(left.some(({ why }) => why.startsWith('class')) ? 'NODE_CLASS' : 'NODE_NOT_ENROLLED', {
      message: `None of the ${meant.length} nodes can have ${name} yet: ${left[0]?.node ?? ''}, ${left[0]?.why ?? ''}.`,
    });
  const { identity, recipient } = await generateAgeIdentity();
  const bundle = await ageEncrypt([recipient, ...keys.trust.recovery], secret);
  const digest = createHash('sha256').update(bundle).digest('hex');
  const sealed: SealedForNode[] = [];
  for (const record of able) sealed.push(await sealForNode({ record, entry, identity, bundle: digest, keys }));
  identity.destroy();
  const revoked = await revocations(store, before, entry, {
    known,
    meant: new Set(able.map(({ node }) => node)),
    keys,
  });
  await raiseFloors(fleet, [...sealed, ...revoked], known, keys);
  await store.put(entry, bundle, [...sealed, ...revoked]);
  const names = (list: readonly SealedForNode[]): string[] => list.map(({ node }) => node);
  return { name, generation: entry.generation, sealed: names(sealed), revoked: names(revoked), left };
}

/** Takes a secret away from every node that has it. Throws SECRET_NOT_FOUND. */
export async function removeSecret(fleet: Fleet, around: Surroundings, name: string): Promise<SetResult> {
  checkSecretName(name);
  const keys = await requireOperatorKeys(fleet, around);
  const store = new SecretStore(fleet.dir);
  const before = await store.entry(name);
  if (before?.state !== 'live')
    throw new EdgectlError('SECRET_NOT_FOUND', { message: `The fleet has no secret ${name}.` });
  const at = new Date(around.now()).toISOString();
  const entry: SecretEntry = { ...before, generation: before.generation + 1, state: 'removed', setAt: at };
  const known = await readAllEnrolled(fleet, keys.manifest.publicKey);
  const revoked = await revocations(store, before, entry, { known, meant: new Set(), keys });
  await raiseFloors(fleet, revoked, known, keys);
  await store.put(entry, undefined, revoked);
  return { name, generation: entry.generation, sealed: [], revoked: revoked.map(({ node }) => node), left: [] };
}

function nextEntry(
  name: string,
  before: SecretEntry | undefined,
  settings: SecretSettings,
  around: Surroundings,
): SecretEntry {
  // prettier-ignore
  const live = before?.state === 'live' ? before : undefined;
  const selector = settings.for ?? live?.for;
  if (selector === undefined)
    throw new EdgectlError('USAGE', {
      message: `For which nodes is ${name}?`,
      hint: `edgectl secret set ${name} --for SELECTOR < FILE`,
    });
  const units = settings.units ?? live?.units ?? [];
  const bad = units.find((unit) => !/^[A-Za-z0-9@._:\\-]+\.service$/.test(unit));
  if (bad !== undefined)
    throw new EdgectlError('USAGE', { message: `${JSON.stringify(bad)} is not the name of a service (….service).` });
  const owner = settings.owner ?? live?.owner ?? '0:0';
  if (!/^\d{1,10}:\d{1,10}$/.test(owner))
    throw new EdgectlError('USAGE', { message: `${JSON.stringify(owner)} is not UID:GID, two numbers.` });
  return {
    schema: 1,
    name,
    generation: (before?.generation ?? 0) + 1,
    state: 'live',
    for: selector,
    units: [...units],
    owner,
    mode: settings.mode ?? live?.mode ?? '0400',
    require: settings.require ?? live?.require ?? 'tpm-tofu',
    setAt: new Date(around.now()).toISOString(),
  };
}

function sort(
  meant: readonly string[],
  known: ReadonlyMap<string, EnrolledNode>,
  entry: SecretEntry,
): { able: EnrolledNode[]; left: SetResult['left'] } {
  const able: EnrolledNode[] = [];
  const left: SetResult['left'] = [];
  for (const node of meant) {
    const record = known.get(node);
    if (record === undefined) left.push({ node, why: 'not enrolled: edgectl node enroll' });
    else if (isLower(record.class, entry.require))
      left.push({ node, why: `class ${record.class} is below ${entry.require}, which the secret requires` });
    else able.push(record);
  }
  return { able, left };
}

/** For nodes that the older generation was for and this one is not. */
async function revocations(
  store: SecretStore,
  before: SecretEntry | undefined,
  entry: SecretEntry,
  around: { known: ReadonlyMap<string, EnrolledNode>; meant: ReadonlySet<string>; keys: OperatorKeys },
): Promise<SealedForNode[]> {
  if (before === undefined) return [];
  const had = await store.sealed(before);
  return had.flatMap(({ node }) => {
    const record = around.known.get(node);
    return record === undefined || around.meant.has(node) ? [] : [revokeForNode(record, entry, around.keys)];
  });
}

/** Written before the ciphertext: what was sealed for a counter value once is never sealed for the same value again. */
async function raiseFloors(
  fleet: Fleet,
  sealed: readonly SealedForNode[],
  known: ReadonlyMap<string, EnrolledNode>,
  keys: OperatorKeys,
): Promise<void> {
  await mapLimit(sealed, 32, async ({ node, floor }) => {
    const record = known.get(node);
    if (record !== undefined && floor > record.floor)
      await writeEnrolled(fleet.dir, { ...record, floor }, keys.manifest.privateKey);
  });
}
