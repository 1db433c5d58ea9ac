import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';

// ssh-rsa (SHA-1) and ssh-dss are left out: RFC 9142, and OpenSSH offers neither since 8.8.
const hostKeyAlgorithms: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

const byKeyType: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

/** One host key algorithm for each kind of key that a node may hold, for asking it for all of them. */
export const scannedAlgorithms: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
];

/**
 * Host key algorithms in order of preference: those of the pinned keys first, so that a node that has a pinned key
 * offers it. The others follow only so that a refusal can name the key that was offered instead.
 */
export function hostKeyPreference(pinnedTypes: readonly string[]): ServerHostKeyAlgorithm[] {
  const first = pinnedTypes.flatMap((type) => byKeyType[type] ?? []);
  return [...new Set([...first, ...hostKeyAlgorithms])];
}

/** Algorithms for a connection: the cheapest strong ones first (curve25519 and AES-GCM run in native code). */
export function algorithmsFor(serverHostKey: ServerHostKeyAlgorithm[]): Algorithms {
  return {
    kex: [
      'curve25519-sha256',
      'curve25519-sha256@libssh.org',
      'ecdh-sha2-nistp256',
      'ecdh-sha2-nistp384',
      'ecdh-sha2-nistp521',
      'diffie-hellman-group14-sha256',
      'diffie-hellman-group16-sha512',
    ],
    cipher: [
      'aes128-gcm@openssh.com',
      'aes256-gcm@openssh.com',
      'chacha20-poly1305@openssh.com',
      'aes128-ctr',
      'aes192-ctr',
      'aes256-ctr',
    ],
    hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
    compress: ['none'],
    serverHostKey,
  };
}
