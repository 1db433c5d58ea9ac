import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { builtinActions } from '../../../src/actions/registry.js';
import { compileSteps } from '../../../src/actions/runtime/compile.js';
import type { ActionContext } from '../../../src/actions/types.js';
import type { KitAnswer, KitCall } from '../../../src/node/types.js';
import type { Outcome, Step } from '../../../src/plan/types.js';
import { NEW, OLD } from '../../helpers/make-plan.js';

interface Case {
  title: string;
  action: string;
  how: 'perform' | 'reattach';
  args: Step['args'];
  /** The node's slice, when the action reads it. */
  slice?: string;
  talk: { call: Partial<KitCall>; answer: KitAnswer }[];
  outcome: Partial<Outcome> | null;
}

const dir = new URL('../../cases/actions/', import.meta.url);
const cases = readdirSync(dir)
  .sort()
  .map((name): [string, Case] => [name, JSON.parse(readFileSync(new URL(name, dir), 'utf8')) as Case]);

function contextOf(args: Step['args'], action: string, slice = 'SLICE'): ActionContext {
  return {
    run: 'RUN',
    step: { id: 'n1/2', node: 'n1', seq: 2, action, args, needs: [], timeoutMs: 1, retry: 'never' },
    wireId: 'RUN/n1/2/1',
    attempt: 1,
    token: 7,
    nonce: 'c0ffee',
    authority: { slice, proof: 'PROOF', statement: 'PLAN', signature: 'SIG' },
    bundles: { [NEW]: { statement: 'STATEMENT', signature: 'SIGNATURE', size: 10_000_000 } },
  };
}

describe('an action', () => {
  it.each(cases)('%s', (_name, { title, action, how, args, slice, talk, outcome }) => {
    const found = builtinActions().get(action);
    expect(found, title).toBeDefined();
    const conversation = found?.[how](contextOf(args, action, slice));
    const left = [...talk];
    let next = conversation?.next();
    while (next !== undefined && next.done !== true) {
      if ('progress' in next.value) {
        next = conversation?.next(undefined);
        continue;
      }
      const turn = left.shift();
      expect(next.value.call, title).toMatchObject(turn?.call ?? { verb: 'nothing more' });
      next = conversation?.next(turn?.answer);
    }
    expect(left, title).toEqual([]);
    if (outcome === null) expect(next?.value, title).toBeNull();
    else expect(next?.value, title).toMatchObject(outcome);
  });

  it('sends only the digest of its nonce before the confirmation', () => {
    const first = builtinActions().get('runtime.trial')?.perform(contextOf({}, 'runtime.trial')).next();
    const call = first?.value as { call: KitCall };
    expect(JSON.stringify(call)).not.toContain('c0ffee');
    expect(call.call.fields['nonce_sha256']).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('compiling the steps of a node', () => {
  const health = { windowS: 10, passes: 3, capS: 60, confirmS: 60 };
  const node = { id: 'n1', expectAfter: { rt: NEW, shim: OLD, gone: null } };

  it('yields no step when there is nothing to do', () => {
    expect(compileSteps({ kind: 'runtime', node, actual: { rt: NEW, shim: OLD }, health })).toEqual([]);
  });

  it('stages only what is to change, and leaves the removal of a component to the slice', () => {
    const steps = compileSteps({ kind: 'runtime', node, actual: { rt: OLD, shim: OLD, gone: OLD }, health });
    expect(steps.map((step) => [step.id, step.action, step.needs])).toEqual([
      ['n1/1', 'runtime.stage', []],
      ['n1/2', 'runtime.trial', ['n1/1']],
      ['n1/3', 'runtime.confirm', ['n1/2']],
    ]);
    expect(steps[0]?.args).toEqual({ components: [{ component: 'rt', digest: NEW }] });
    expect(steps[2]?.args).toEqual({ of: 'n1/2' });
  });

  it('has one step for an ejection and for lifting a denial', () => {
    expect(compileSteps({ kind: 'eject', node, actual: null, health }).map((step) => step.action)).toEqual([
      'node.eject',
    ]);
    expect(compileSteps({ kind: 'undeny', node, actual: null, health }).map((step) => step.action)).toEqual([
      'runtime.undeny',
    ]);
  });
});
