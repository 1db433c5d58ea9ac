import { createHash } from 'node:crypto';
import { EdgectlError } from '../../errors/error.js';
import { escapeForTerminal } from '../../util/escape.js';
import type { PublicArea } from '../tpm/public-area.js';
import { spkiOfPublicArea } from '../tpm/public-key.js';
import type { Certificate } from './certificate.js';
import { extensionIds, parseCertificate } from './certificate.js';

/** What is known of an endorsement key and who vouches for it. */
export interface EkChainInput {
  /** As read from NV memory, padding included. */
  certificate: Uint8Array;
  /** The endorsement key as the TPM describes it. */
  ek: PublicArea;
  /** Authorities that the fleet has pinned: any of them ends the chain. */
  authorities: readonly Certificate[];
  /** Certificates that came along; they help only if they lead to a pinned one. */
  intermediates?: readonly Uint8Array[];
  /** Milliseconds since the epoch. */
  now: number;
}

/** A TPM whose maker is known. */
export interface EkChain {
  /** SHA-256 of the key's SubjectPublicKeyInfo, hex: what identifies this TPM. */
  ekHash: string;
  /** Subject of the pinned authority that the chain ends at. */
  authority: string;
  /** Serial number of the certificate, hex. */
  serial: string;
}

/** tcg-kp-EKCertificate (TCG EK Credential Profile, 3.2.16). */
const ekPurpose = '2.23.133.8.1';
/** RSA (PKCS #1 v1.5) and ECDSA with SHA-256 or better. SHA-1 vouches for nothing any more. */
const signatureAlgorithms = new Set([
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
]);
/** Extensions that are read here or change nothing for this use; another one that is critical refuses the certificate (RFC 5280, 4.2). */
const understood: ReadonlySet<string> = new Set(
  Object.values(extensionIds).filter((id) => id !== extensionIds.nameConstraints),
);
const maxIntermediates = 8;
const maxDepth = 6;
/** A node could send certificates that all issued each other: so many signatures are checked and no more. */
const maxSignatures = 64;

/** SHA-256 of an endorsement key's SubjectPublicKeyInfo, hex. Throws TPM_STRUCTURE. */
export function ekHashOf(ek: PublicArea): string {
  return createHash('sha256').update(spkiOfPublicArea(ek)).digest('hex');
}

/**
 * Verifies that a pinned authority vouches for an endorsement key. Every certificate of the chain, the pinned one included,
 * has to be valid now: a TPM whose certificate ran out can be enrolled by its pinned hash only. Throws TPM_CERTIFICATE with the reason.
 */
export function verifyEkChain(input: EkChainInput): EkChain {
  const leaf = parseCertificate(input.certificate);
  checkLeaf(leaf, input.ek);
  const given = input.intermediates ?? [];
  if (given.length > maxIntermediates) refuse(`more than ${maxIntermediates} certificates came along`);
  const search = new ChainSearch(input.authorities, given.map(parseCertificate), input.now);
  const authority = search.from(leaf);
  return {
    ekHash: ekHashOf(input.ek),
    authority: oneLineSubject(authority),
    serial: leaf.x509.serialNumber.toLowerCase(),
  };
}

function checkLeaf(leaf: Certificate, ek: PublicArea): void {
  if (!leaf.purposes.includes(ekPurpose)) refuse('it is not for an endorsement key (extended key usage 2.23.133.8.1)');
  if (leaf.authority?.isAuthority === true) refuse('it is the certificate of an authority');
  const usage = ek.type === 'rsa' ? 'keyEncipherment' : 'keyAgreement';
  if (leaf.keyUsage !== undefined && !leaf.keyUsage.has(usage)) refuse(`its key usage lacks ${usage}`);
  let spki: Buffer;
  try {
    spki = leaf.x509.publicKey.export({ type: 'spki', format: 'der' });
  } catch {
    return refuse('it holds a public key that OpenSSL cannot read');
  }
  if (!spki.equals(spkiOfPublicArea(ek))) refuse('it is for another key than the TPM’s endorsement key');
}

/** Looks for a way from a certificate to a pinned authority. */
class ChainSearch {
  /** Why the most promising way ended. */
  #reason = 'none of the authorities that the fleet pins (trust/tpm-ca) issued it';
  #signatures = 0;

  constructor(
    private readonly pinned: readonly Certificate[],
    private readonly intermediates: readonly Certificate[],
    private readonly now: number,
  ) {}

  /** The authority that the way ends at. Throws TPM_CERTIFICATE. */
  from(leaf: Certificate): Certificate {
    const fault = this.#faultOf(leaf);
    if (fault !== undefined) refuse(fault);
    return this.#up(leaf, 0, new Set()) ?? refuse(this.#reason);
  }

  #up(below: Certificate, depth: number, seen: ReadonlySet<Certificate>): Certificate | undefined {
    if (depth >= maxDepth) return undefined;
    for (const issuer of this.pinned) if (this.#issued(issuer, below, depth)) return issuer;
    for (const issuer of this.intermediates) {
      if (seen.has(issuer) || !this.#issued(issuer, below, depth)) continue;
      const end = this.#up(issuer, depth + 1, new Set([...seen, issuer]));
      if (end !== undefined) return end;
    }
    return undefined;
  }

  /** `depth` is the number of authorities between the issuer and the leaf. */
  #issued(issuer: Certificate, below: Certificate, depth: number): boolean {
    // Names first, so that the reason that is given is about a certificate that was meant.
    if (issuer.x509.subject !== below.x509.issuer) return false;
    const fault = authorityFault(issuer, depth) ?? this.#faultOf(issuer) ?? this.#linkFault(issuer, below);
    if (fault !== undefined) this.#reason = `${oneLineSubject(issuer)}: ${fault}`;
    return fault === undefined;
  }

  #faultOf(certificate: Certificate): string | undefined {
    const unknown = [...certificate.critical].find((id) => !understood.has(id));
    if (unknown !== undefined) return `it has the critical extension ${unknown}, which is not understood here`;
    if (!signatureAlgorithms.has(certificate.signatureAlgorithm))
      return `it is signed with ${certificate.signatureAlgorithm}, not with RSA or ECDSA over SHA-256 or better`;
    const [from, to] = [Date.parse(certificate.x509.validFrom), Date.parse(certificate.x509.validTo)];
    // Written so that a date which cannot be read fails too.
    if (!(from <= this.now)) return `it is not valid before ${certificate.x509.validFrom}`;
    if (!(this.now <= to)) return `it was valid until ${certificate.x509.validTo}`;
    return undefined;
  }

  #linkFault(issuer: Certificate, below: Certificate): string | undefined {
    this.#signatures += 1;
    return this.#signatures > maxSignatures ? 'there are too many ways to check' : linkFault(issuer, below);
  }
}

function authorityFault(issuer: Certificate, depth: number): string | undefined {
  const { authority, keyUsage } = issuer;
  if (authority?.isAuthority !== true) return 'it is no authority (basic constraints)';
  if (keyUsage !== undefined && !keyUsage.has('keyCertSign')) return 'its key may not sign certificates';
  if (authority.pathLength !== undefined && depth > authority.pathLength) return 'it allows no chain this long';
  if (issuer.extensions.has(extensionIds.nameConstraints)) return 'it constrains names, which is not understood here';
  return undefined;
}

function linkFault(issuer: Certificate, below: Certificate): string | undefined {
  try {
    if (!below.x509.checkIssued(issuer.x509)) return 'it did not issue the certificate below it';
    const key = issuer.x509.publicKey;
    const bits = key.asymmetricKeyDetails?.modulusLength;
    if (bits !== undefined && bits < 2048) return `its RSA key has only ${bits} bits`;
    if (!below.x509.verify(key)) return 'its key did not sign the certificate below it';
    return undefined;
  } catch {
    return 'it holds a public key that OpenSSL cannot use';
  }
}

function oneLineSubject(certificate: Certificate): string {
  // Names in certificates that a node sent are anybody's text.
  return escapeForTerminal(certificate.x509.subject.split('\n').join(', '));
}

function refuse(reason: string): never {
  throw new EdgectlError('TPM_CERTIFICATE', {
    message: `The certificate of the endorsement key is refused: ${reason}.`,
  });
}
