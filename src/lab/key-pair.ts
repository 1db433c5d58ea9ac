import ssh2 from 'ssh2';

/** An OpenSSH key pair as text. */
export interface KeyPair {
  private: string;
  /** `ssh-ed25519 AAAA… comment`, no line end. */
  public: string;
}

/**
 * Make an Ed25519 key pair, in a fraction of a millisecond. ssh2 1.17 drops leading zero bytes of the public key, so that
 * one pair in 256 cannot be read by anyone: those are thrown away.
 */
export function makeKeyPair(comment?: string): KeyPair {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519', comment === undefined ? {} : { comment });
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error))
      return { private: pair.private, public: pair.public.trim() };
  }
}
