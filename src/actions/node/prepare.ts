import type { KitAnswer, KitCall, KitLine } from '../../node/types.js';
import { oneLine } from '../../util/escape.js';
import type { Outcome } from '../../plan/types.js';
import { preparationOf } from '../../plan/preparation.js';
import type { Action, ActionContext, ActionRequest } from '../types.js';
import { ask, type Heard } from '../runtime/answers.js';

type Talk<Result> = Generator<ActionRequest, Result, KitAnswer | undefined>;

/** Milliseconds for the script of first contact. */
export const PREPARE_MS = 180_000;

/** Puts the kit on a node. Its authority is root's login, for the node knows no key yet; the signed slice says what the operator's side may do with it. */
export const prepareAction: Action = preparation('node.prepare', 'install');

/** Takes everything of edgectl away from a node that runs no bundle of ours. */
export const unprepareAction: Action = preparation('node.unprepare', 'undo');

function preparation(name: string, mode: 'install' | 'undo'): Action {
  return {
    name,
    changing: true,
    *perform(context) {
      const wrong = foreign(context, mode);
      if (wrong !== null) return wrong;
      const heard = yield* ask(scriptCall(mode), false);
      if (!heard.ok) return withHint(heard);
      const outcome = done(mode, paths(heard, mode === 'install' ? 'prepared' : 'ejected'));
      return { ...outcome, message: outcome.message + keptKit(heard.answer.lines) };
    },
    // The script only looks: what it would still do says whether the attempt came to its end.
    *reattach(context): Talk<Outcome | null> {
      const wrong = foreign(context, mode);
      if (wrong !== null) return wrong;
      const heard = yield* ask(scriptCall(mode === 'install' ? 'check' : 'check-undo'), true);
      if (!heard.ok) return withHint(heard);
      if (paths(heard, 'todo') > 0) return null;
      const what = mode === 'install' ? 'everything is there' : 'nothing of edgectl is left';
      return { kind: 'changed', state: 'succeeded', message: `${what}: the attempt before came to its end` };
    },
  };
}

function scriptCall(mode: string): KitCall {
  return { verb: 'prepare', fields: { mode }, timeoutMs: PREPARE_MS };
}

/** Steps are not signed and the slice is: a step that does not fit it is nobody's wish. */
function foreign(context: ActionContext, mode: 'install' | 'undo'): Outcome | null {
  if (preparationOf(context.authority.slice)?.mode === mode) return null;
  const message = `the signed slice of the node does not ask for ${context.step.action}`;
  return { kind: 'failed', state: 'refused', message, why: 'BAD_SLICE' };
}

function paths(heard: Extract<Heard, { ok: true }>, kind: string): number {
  return heard.answer.lines.filter((line) => line.t === kind).length;
}

function done(mode: 'install' | 'undo', number: number): Outcome {
  if (number === 0) {
    const message = mode === 'install' ? 'was prepared already' : 'nothing of edgectl was there';
    return { kind: 'ok', state: 'noop', message };
  }
  const word = number === 1 ? 'path' : 'paths';
  return {
    kind: 'changed',
    state: 'succeeded',
    message: `${number} ${word} ${mode === 'install' ? 'written' : 'removed'}`,
  };
}

/** A kit that can be upgraded is not written over: the way that can be taken back is named instead. Empty when nothing was kept. */
export function keptKit(lines: readonly KitLine[]): string {
  const kept = lines.find((line) => line.t === 'kept');
  if (kept === undefined) return '';
  return `; its kit ${oneLine(String(kept['version'] ?? '?'), 64)} stays: edgectl rollout kit`;
}

/** What to add to a command whose login was not let through to root; empty when that is not the matter. */
export function wayToRoot(code: string | undefined): string {
  return code === 'NO_SUDO' ? '; add --login root' : '';
}

function withHint(heard: Extract<Heard, { ok: false }>): Outcome {
  return { ...heard.outcome, message: heard.outcome.message + wayToRoot(heard.code) };
}
