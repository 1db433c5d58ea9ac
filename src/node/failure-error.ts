import type { ErrorCode } from '../errors/catalogue.js';
import { EdgectlError } from '../errors/error.js';
import type { KitAnswer } from './types.js';
import type { TransportFailure, TransportFailureKind } from '../transport/types.js';

const codes: Partial<Record<TransportFailureKind, ErrorCode>> = {
  'host-key-unknown': 'SSH_HOST_KEY_UNKNOWN',
  'host-key-changed': 'SSH_HOST_KEY_CHANGED',
  auth: 'SSH_AUTH',
};

/** The operator's error for a node that a command is about alone and that cannot be talked to. */
export function failureError(node: string, failure: TransportFailure): EdgectlError {
  const bastion = failure.bastion === undefined ? node : `--bastion ${failure.bastion}`;
  const hints: Partial<Record<TransportFailureKind, string>> = {
    'host-key-unknown': `edgectl node trust ${bastion}`,
    'host-key-changed': `compare with its console, then: edgectl node trust ${bastion} --replace`,
  };
  return new EdgectlError(codes[failure.kind] ?? 'NODE_UNREACHABLE', {
    message: `${node}: ${failure.message}`,
    hint: hints[failure.kind] ?? `edgectl node doctor ${node}`,
    data: { node, kind: failure.kind },
  });
}

/** The operator's error for a kit that gave no answer, or said no. */
export function answerError(node: string, answer: Exclude<KitAnswer, { kind: 'ok' }>): EdgectlError {
  if (answer.kind === 'unreachable' && answer.failure !== undefined) return failureError(node, answer.failure);
  const hint = `edgectl node doctor ${node}`;
  if (answer.kind !== 'refused')
    return new EdgectlError('NODE_PROTOCOL', { message: `${node}: ${answer.message}`, hint, data: { node } });
  const code = answer.code === 'NO_KIT' || answer.code === 'NO_SUDO' ? 'NODE_NOT_PREPARED' : 'NODE_REFUSED';
  return new EdgectlError(code, {
    message: `${node}: ${answer.reason || answer.code}`,
    hint: code === 'NODE_NOT_PREPARED' ? `edgectl node prepare ${node}` : hint,
    data: { node, code: answer.code },
  });
}
