import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { EdgectlError } from '../errors/error.js';
import type { KitCaller } from '../node/types.js';
import { buildKit } from '../node/kit-build.js';
import { createNodeClient, type NodeClient } from '../node/client.js';
import { prepareScript, type PrepareOptions } from '../node/prepare-script.js';
import { atItsAddress, nodeOf, targetOf } from '../node/target.js';
import { preparationOf, type HomeOfNode, type Preparation } from '../plan/preparation.js';
import type { Plan } from '../plan/types.js';
import { HomeKeys } from './call-home.js';
import type { Workbench } from './workbench.js';

type Bench = Pick<Workbench, 'fleet' | 'around' | 'transport' | 'sudo'>;

/** The two texts that a node gets at its preparation. */
export interface PreparationTexts {
  kit: string;
  signers: string;
}

/** The kit of this edgectl as built at that time (Unix seconds), and the fleet's allowed_signers. */
export async function preparationTexts(
  bench: Pick<Bench, 'fleet' | 'around'>,
  builtAt: number,
): Promise<PreparationTexts> {
  const version = bench.around.tool.replace(/^edgectl /, '');
  const [kit, signers] = await Promise.all([
    buildKit({ init: 'systemd', lab: false, version, builtAt }),
    readFile(bench.fleet.allowedSignersFile, 'utf8').catch(() => ''),
  ]);
  return { kit, signers };
}

/** sha256 of a text, 64 hex digits. */
export function textDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A client that prepares nodes: logs in as the preparation says, and pipes the script of first contact for the verb `prepare`. */
export function preparationClient(
  bench: Bench,
  texts: PreparationTexts,
  of: (node: string) => Preparation | undefined,
): NodeClient {
  const { fleet, around } = bench;
  const operator = { agent: around.env['SSH_AUTH_SOCK'], home: around.homedir };
  return createNodeClient({
    transport: bench.transport,
    ...(bench.sudo === undefined ? {} : { sudo: bench.sudo }),
    target: (id) => {
      const { login, direct } = of(id) ?? {};
      const target = targetOf(fleet, direct === true ? atItsAddress(nodeOf(fleet, id)) : nodeOf(fleet, id), operator);
      return login === undefined ? target : { ...target, user: login };
    },
    prepareScript: async (id, fields) => {
      const { user, key, home } = of(id) ?? {};
      return await prepareScript({
        mode: fields['mode'] as PrepareOptions['mode'],
        init: 'systemd',
        kit: texts.kit,
        node: id,
        fleet: fleet.id,
        allowedSigners: texts.signers,
        ...(home === undefined ? {} : { home: { ...home, pins: pinLines(home) } }),
        ...(user === undefined ? {} : { user: { name: user, ...(key === undefined ? {} : { authorizedKey: key }) } }),
      });
    },
  });
}

function pinLines({ bastion, keys }: HomeOfNode): string {
  return keys.map((key) => `${bastion} ${key}\n`).join('');
}

/**
 * The client that carries a preparation plan out. The plan holds digests and no shell: the kit is made again from this edgectl, the keys are
 * read from this fleet repository, and both must be exactly what was signed. Throws PREPARATION_STALE, PLAN_EXPIRED.
 */
export async function clientOfPreparation(plan: Plan, bench: Bench): Promise<KitCaller> {
  // Elsewhere the node itself looks at the expiry of its slice.
  if (bench.around.now() > plan.expires * 1000)
    throw new EdgectlError('PLAN_EXPIRED', {
      message: `The plan ${plan.id} can no longer be carried out; make it again.`,
    });
  const frozen = new Map<string, Preparation>();
  for (const [node, slice] of Object.entries(plan.slices)) {
    const what = preparationOf(slice);
    if (what !== null) frozen.set(node, what);
  }
  const texts = await preparationTexts(bench, [...frozen.values()].find(({ kit }) => kit)?.kit?.builtAt ?? 0);
  const [kit, signers] = [textDigest(texts.kit), textDigest(texts.signers)];
  for (const what of frozen.values()) {
    if (what.kit !== undefined && what.kit.digest !== kit)
      throw stale(
        `This is ${bench.around.tool}; its kit is ${short(kit)} and the plan, made by ${plan.tool}, means ${short(what.kit.digest)}.`,
      );
    if (what.signers !== undefined && what.signers !== signers)
      throw stale(
        `${bench.fleet.allowedSignersFile} is not what it was when the plan was made: ${short(signers)} instead of ${short(what.signers)}.`,
      );
  }
  const client = preparationClient(bench, texts, (node) => frozen.get(node));
  const keys = new HomeKeys(bench.fleet);
  return {
    call: async (node, call, signal) => {
      const answer = await client.call(node, call, signal);
      const home = frozen.get(node)?.home;
      if (call.verb === 'prepare' && home !== undefined && answer.kind === 'ok')
        await keys.keep(node, home.bastion, answer.lines);
      return answer;
    },
  };
}

function stale(message: string): EdgectlError {
  return new EdgectlError('PREPARATION_STALE', { message });
}

function short(digest: string): string {
  return `sha256:${digest.slice(0, 12)}`;
}
