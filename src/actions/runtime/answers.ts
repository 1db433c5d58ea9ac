import type { KitAnswer, KitLine, KitOk, TxLine } from '../../node/types.js';
import { txStates } from '../../node/types.js';
import { outcomeOfRefusal, outcomeOfSilence } from '../../plan/outcomes.js';
import type { Outcome } from '../../plan/types.js';
import type { ActionRequest } from '../types.js';
import type { KitCall } from '../../node/types.js';

/** An ok answer, or the outcome that the missing or refusing one comes to. */
export type Heard = { ok: true; answer: KitOk } | { ok: false; outcome: Outcome; code?: string };

/** Reads an answer; `changed` says whether a changing call may have reached the node already. */
export function hear(answer: KitAnswer | undefined, changed: boolean): Heard {
  if (answer === undefined) throw new TypeError('a call was answered with nothing');
  if (answer.kind === 'ok') return { ok: true, answer };
  if (answer.kind === 'refused') return { ok: false, outcome: outcomeOfRefusal(answer), code: answer.code };
  return { ok: false, outcome: outcomeOfSilence(answer, changed || answer.mayHaveActed) };
}

/** Makes one call within a conversation and reads its answer. */
export function* ask(call: KitCall, changed: boolean): Generator<ActionRequest, Heard, KitAnswer | undefined> {
  return hear(yield { call }, changed);
}

/** The transaction with this wire id among answer lines, when there is a well-formed one. */
export function txOf(lines: readonly KitLine[], wireId: string): TxLine | undefined {
  return lines.filter(isTx).find((line) => line.step === wireId);
}

/** Is it a transaction line with the fields that decide? The node is not trusted to send such. */
export function isTx(line: KitLine): line is TxLine {
  return line.t === 'tx' && typeof line['step'] === 'string' && txStates.some((state) => state === line['state']);
}

/** The first line of a kind. */
export function lineOf(lines: readonly KitLine[], kind: string): KitLine | undefined {
  return lines.find((line) => line.t === kind);
}

/** A number of a line; undefined when it is missing or something else. */
export function numberOf(line: KitLine | undefined, key: string): number | undefined {
  const value = line?.[key];
  const parsed = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof parsed === 'number' && Number.isSafeInteger(parsed) && parsed >= 0 ? parsed : undefined;
}

/** A failure of the node's side of the conversation. */
export function failed(message: string, why: string): Outcome {
  return { kind: 'failed', state: 'failed', message, why };
}
