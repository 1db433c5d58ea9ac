import { EdgectlError } from '../../errors/error.js';
import type { Certificate } from '../../seal/evidence/certificate.js';
import { ekHashOf, verifyEkChain } from '../../seal/evidence/ek-chain.js';
import type { NodeClass } from '../../secrets/enrolled.js';
import type { Attested } from './attest.js';

/** SHA-256 of the expected endorsement key's SubjectPublicKeyInfo, hex, by node. */
export type EkPins = ReadonlyMap<string, string>;

/** Reads a file of pins: lines `<node> <64 hex digits>`; `#` begins a comment. Throws USAGE. */
export function parseEkPins(text: string, file: string): EkPins {
  const pins = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/);
    const [node = '', hash = ''] = words;
    if (node === '') continue;
    if (words.length !== 2 || !/^[0-9a-f]{64}$/i.test(hash) || pins.has(node))
      throw new EdgectlError('USAGE', {
        message: `${file}, line ${index + 1}, is not "<node> <sha256 of its endorsement key>", each node once.`,
      });
    pins.set(node, hash.toLowerCase());
  }
  return pins;
}

/** The class that a TPM earns. Throws TPM_CERTIFICATE, TPM_ATTESTATION. */
export function classOf(
  node: string,
  { ek, ekCertificate }: Pick<Attested, 'ek' | 'ekCertificate'>,
  how: { authorities: readonly Certificate[]; pins: EkPins | undefined; approve: boolean; now: number },
): { class: NodeClass; maker?: string } {
  const hash = ekHashOf(ek);
  const pin = how.pins?.get(node);
  if (how.pins !== undefined && pin !== hash)
    throw new EdgectlError('TPM_ATTESTATION', {
      message:
        pin === undefined
          ? `${node} is not in the list of expected endorsement keys; it has ${hash}.`
          : `${node} should have the endorsement key ${pin}, and has ${hash}: another TPM than expected.`,
    });
  const made = chainOf(ek, ekCertificate, how);
  if (pin !== undefined) return { class: 'tpm-pinned', ...(made instanceof EdgectlError ? {} : { maker: made }) };
  if (!(made instanceof EdgectlError)) return { class: 'tpm', maker: made };
  if (how.approve) return { class: 'tpm-tofu' };
  throw new EdgectlError('TPM_CERTIFICATE', {
    message: `${made.message} The endorsement key of ${node} is ${hash}.`,
    hint: 'put the maker into trust/tpm-ca/, or expect this key (--pin-ek FILE), or take it as it is (--approve)',
  });
}

function chainOf(
  ek: Attested['ek'],
  certificate: Buffer | undefined,
  how: { authorities: readonly Certificate[]; now: number },
): string | EdgectlError {
  if (certificate === undefined)
    return new EdgectlError('TPM_CERTIFICATE', { message: 'The TPM holds no certificate of its endorsement key.' });
  try {
    return verifyEkChain({ certificate, ek, authorities: how.authorities, now: how.now }).authority;
  } catch (error) {
    if (error instanceof EdgectlError && error.code === 'TPM_CERTIFICATE') return error;
    throw error;
  }
}
