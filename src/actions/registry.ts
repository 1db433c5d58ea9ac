import { prepareAction, unprepareAction } from './node/prepare.js';
import { ejectAction } from './runtime/eject.js';
import { confirmAction } from './runtime/confirm.js';
import { gcAction } from './runtime/gc.js';
import { stageAction } from './runtime/stage.js';
import { trialAction } from './runtime/trial.js';
import { undenyAction } from './runtime/undeny.js';
import type { Action, ActionRegistry } from './types.js';

/** A registry of actions by name; later ones replace earlier ones of the same name. */
export function actionRegistry(actions: readonly Action[]): ActionRegistry {
  return new Map(actions.map((action) => [action.name, action]));
}

/** Every action that edgectl has. */
export function builtinActions(): ActionRegistry {
  return actionRegistry([
    stageAction,
    trialAction,
    confirmAction,
    ejectAction,
    undenyAction,
    gcAction,
    prepareAction,
    unprepareAction,
  ]);
}
