import { EdgectlError } from '../errors/error.js';
import type { CredentialSource } from '../registry/credentials.js';

/**
 * The line that gives curl a user and a password on its standard input; empty when none are known. Throws OCI_CREDENTIALS for an
 * identity token, which curl cannot use, and for a password that no line can hold.
 */
export async function curlCredentials(source: CredentialSource, registry: string, repository: string): Promise<string> {
  const found = await source(registry, repository);
  if (found === undefined) return '';
  if ('identityToken' in found)
    throw new EdgectlError('OCI_CREDENTIALS', {
      message: `For ${registry} there is only an identity token, which a site cannot use.`,
      hint: 'log in with a user and a password or an access token',
    });
  const text = `${found.username}:${found.password}`;
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new EdgectlError('OCI_CREDENTIALS', { message: `The password for ${registry} holds a control character.` });
  return `user = "${text.replace(/[\\"]/g, (character) => `\\${character}`)}"`;
}
