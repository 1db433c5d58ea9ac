import { isUnprepared } from '../node/command.js';
import { verdictOnFailure, type NodeVerdict } from '../node/exit-code.js';
import type { FactsResult } from './collect.js';

/** What came of asking one node for its facts, for the exit code. Reading changes nothing, so a lost answer is only out of reach. */
export function verdictOnFacts(result: FactsResult): NodeVerdict {
  if (result.ok) return 'ok';
  const { answer } = result;
  if (answer.kind === 'refused') return isUnprepared(answer) ? 'refused' : 'failed';
  if (answer.failure === undefined) return 'failed';
  const verdict = verdictOnFailure(answer.failure);
  return verdict === 'failed' ? 'unreachable' : verdict;
}
