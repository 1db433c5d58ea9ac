import type { KitRefusal, KitUnknown, TxLine } from '../node/types.js';
import type { OutcomeRow } from './states.js';
import { codeTable, transportTable, txTable, whyTable } from './states.js';
import type { Outcome } from './types.js';

/** The outcome that a row of the table stands for, with the words of the node. */
export function outcomeOfRow(
  row: OutcomeRow,
  words: {
    message?: string | undefined;
    why?: string | undefined;
    log?: string | undefined;
    data?: Record<string, unknown>;
  },
): Outcome {
  return {
    kind: row.outcome,
    state: row.state,
    message: words.message === undefined || words.message === '' ? row.meaning : words.message,
    ...(words.why === undefined ? {} : { why: words.why }),
    ...(words.log === undefined || words.log === '' ? {} : { log: words.log }),
    ...(row.retryable === true ? { retryable: true } : {}),
    ...(words.data === undefined ? {} : { data: words.data }),
  };
}

/** What a transaction's state comes to. */
export function outcomeOfTx(tx: TxLine): Outcome {
  const reason = tx.why?.split(':', 1)[0];
  const ended = tx.state === 'ABORT' || tx.state === 'REVERTED';
  const base = txTable[tx.state];
  const special = ended && reason !== undefined && Object.hasOwn(whyTable, reason) ? whyTable[reason] : undefined;
  // An abort ended before the switch: nothing was rolled back, whatever the reason.
  const row =
    special === undefined
      ? base
      : tx.state === 'ABORT' && special.state === 'rolled_back'
        ? { ...special, state: base.state }
        : special;
  const words = [tx.why, tx.health].filter((part) => part !== undefined && part !== '').join(': ');
  return outcomeOfRow(row, {
    message: words === '' ? row.meaning : `${row.meaning} (${words})`,
    why: tx.why ?? (row.outcome === 'changed' ? undefined : tx.state.toLowerCase()),
    log: tx.log,
  });
}

/** What a refusal comes to; a code that is not in the table is a failure of that node. */
export function outcomeOfRefusal(answer: Pick<KitRefusal, 'code' | 'reason'>): Outcome {
  const known = Object.hasOwn(codeTable, answer.code) ? codeTable[answer.code] : undefined;
  const row: OutcomeRow = known ?? { outcome: 'failed', state: 'failed', meaning: 'the node refused' };
  const why =
    row.state === 'blocked' && answer.code !== 'VETO' ? 'lock' : answer.code === 'VETO' ? 'veto' : answer.code;
  return outcomeOfRow(row, {
    message: answer.reason === '' ? row.meaning : answer.reason,
    why,
    data: { code: answer.code },
  });
}

/** What a missing answer comes to; `changed` says whether a changing call of this step may have reached the node. */
export function outcomeOfSilence(answer: KitUnknown, changed: boolean): Outcome {
  const kind = answer.kind === 'protocol' ? 'garbled' : (answer.failure?.kind ?? 'closed');
  const row = transportTable[kind][changed ? 'after' : 'before'];
  return outcomeOfRow(row, { message: answer.message, why: kind });
}

/** The code and the words of a reason that a plan holds as one text (`host-key-changed: …`); without a code that the tables know, all is words. */
export function reasonOf(text: string): { why: string; message: string } {
  const at = text.indexOf(': ');
  const code = text.slice(0, Math.max(0, at));
  const known = Object.hasOwn(codeTable, code) || Object.hasOwn(transportTable, code);
  return known ? { why: code, message: text.slice(at + 2) } : { why: text, message: text };
}
