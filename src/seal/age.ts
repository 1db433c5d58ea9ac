import { EdgectlError } from '../errors/error.js';
import { Sensitive } from './sensitive.js';

/** An age recipient that was checked: `age1…`, X25519. */
export type AgeRecipient = string & { readonly ageRecipient: true };

/** A new X25519 identity and its public half. */
export interface AgeIdentity {
  /** `AGE-SECRET-KEY-1…`, without a line break: 74 bytes, so that a TPM can seal it. */
  identity: Sensitive<Buffer>;
  recipient: AgeRecipient;
}

/** Makes an age identity. */
export async function generateAgeIdentity(): Promise<AgeIdentity> {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption');
  const identity = await generateX25519Identity();
  return {
    identity: new Sensitive(Buffer.from(identity, 'ascii')),
    recipient: (await identityToRecipient(identity)) as AgeRecipient,
  };
}

/** Checks an age recipient. Throws RECIPIENT_INVALID; for an identity without repeating it. */
export async function parseAgeRecipient(text: string): Promise<AgeRecipient> {
  const fail = (message: string): never => {
    throw new EdgectlError('RECIPIENT_INVALID', { message });
  };
  if (/^AGE-SECRET-KEY-/i.test(text)) fail('This is an age identity, a private key; the recipient (age1…) is wanted.');
  // Only X25519: the age of the nodes' distributions reads no other kind, and plugins do not run here.
  if (!/^age1[02-9ac-hj-np-z]{58}$/.test(text))
    fail(`${JSON.stringify(text.slice(0, 80))} is no X25519 recipient of age (age1…).`);
  const { Encrypter } = await import('age-encryption');
  try {
    new Encrypter().addRecipient(text);
  } catch {
    fail(`${text} is no recipient of age: its checksum does not fit.`);
  }
  return text as AgeRecipient;
}

/** Encrypts bytes so that any of the recipients can open them; the age v1 file format. */
export async function ageEncrypt(recipients: readonly AgeRecipient[], secret: Sensitive<Buffer>): Promise<Buffer> {
  if (recipients.length === 0)
    throw new EdgectlError('RECIPIENT_INVALID', { message: 'There is nobody to encrypt to.' });
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of new Set(recipients)) encrypter.addRecipient(recipient);
  return Buffer.from(await encrypter.encrypt(secret.reveal()));
}

/** Opens an age file. Throws SECRET_UNREADABLE when the identity is not among its recipients, or anything in it was changed. */
export async function ageDecrypt(identity: Sensitive<Buffer>, ciphertext: Uint8Array): Promise<Sensitive<Buffer>> {
  const { Decrypter } = await import('age-encryption');
  try {
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity.reveal().toString('ascii').trim());
    const opened = await decrypter.decrypt(ciphertext);
    return new Sensitive(Buffer.from(opened.buffer, opened.byteOffset, opened.byteLength));
  } catch {
    // Without the cause: what the library says of an identity could hold parts of it.
    throw new EdgectlError('SECRET_UNREADABLE', {
      message: 'The ciphertext does not open: it is damaged, or not for this identity.',
    });
  }
}
