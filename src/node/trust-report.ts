import type { ErrorCode } from '../errors/catalogue.js';
import type { ErrorDetails } from '../errors/error.js';
import type { TrustFinding } from './trust.js';

/** The lines that a person compares with the console of the nodes. */
export function trustLines(findings: readonly TrustFinding[]): string[] {
  return findings.flatMap(({ node, address, offered, pinned }) => [
    `${node} (${address}) offers`,
    ...offered.map((key) => `  ${key.fingerprint}${pinned.includes(key.fingerprint) ? '  (pinned)' : ''}`),
    ...pinned
      .filter((print) => !offered.some((key) => key.fingerprint === print))
      .map((print) => `  ${print}  was pinned, no longer offered`),
  ]);
}

/** Why these findings must not be pinned: a revoked key never, changed keys only when replacing was asked for. */
export function trustRefusal(
  findings: readonly TrustFinding[],
  replace: boolean,
): (ErrorDetails & { code: ErrorCode }) | undefined {
  const revoked = findings.filter(({ state }) => state === 'revoked');
  const changed = findings.filter(({ state }) => state === 'changed');
  const [bad, why] = revoked.length > 0 ? [revoked, 'revoked'] : [replace ? [] : changed, 'changed'];
  if (bad.length === 0) return undefined;
  const names = bad.map(({ node }) => node);
  return {
    code: 'SSH_HOST_KEY_CHANGED',
    message:
      why === 'revoked'
        ? `A key that known_hosts revokes is offered by ${names.join(', ')}.`
        : `Other host keys than the pinned ones are offered by ${names.join(', ')}; nothing was changed.`,
    hint:
      why === 'revoked'
        ? 'give the node new host keys (ssh-keygen -A after removing the old ones)'
        : `compare with the node’s console, then: edgectl node trust ${names.join(' ')} --replace`,
    lines: trustLines(bad),
    data: {
      nodes: bad.map(({ node, pinned, offered }) => ({
        id: node,
        pinned,
        offered: offered.map((key) => key.fingerprint),
      })),
    },
  };
}

/** The findings as plain data, a row a node. */
export function trustRows(findings: readonly TrustFinding[]): Record<string, unknown>[] {
  return findings.map(({ node, state, offered, failure }) => ({
    id: node,
    state,
    fingerprints: offered.map((key) => key.fingerprint),
    ...(failure === undefined ? {} : { why: failure.kind, message: failure.message }),
  }));
}
