import { X509Certificate } from 'node:crypto';
import type { DerElement } from './der.js';
import { derChildren, derTags, malformed, oidText, readDer, smallInteger, soleDer } from './der.js';

/** An X.509 extension. */
interface Extension {
  critical: boolean;
  value: Buffer;
}

/** An X.509 v3 certificate: what OpenSSL does with it, and what has to be looked at besides. */
export interface Certificate {
  /** DER without what stood behind it. */
  raw: Buffer;
  x509: X509Certificate;
  /** Of the signature on it. */
  signatureAlgorithm: string;
  /** Object identifiers of all extensions, and of those that must be understood. */
  extensions: ReadonlySet<string>;
  critical: ReadonlySet<string>;
  /** Extended key usages; empty when the extension is absent. */
  purposes: readonly string[];
  /** BasicConstraints; undefined when absent. */
  authority: { isAuthority: boolean; pathLength?: number } | undefined;
  /** Names of the bits that are set; undefined when the extension is absent. */
  keyUsage: ReadonlySet<KeyUsage> | undefined;
}

const keyUsages = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
] as const;
/** A bit of the KeyUsage extension (RFC 5280, 4.2.1.3). */
export type KeyUsage = (typeof keyUsages)[number];

/** Object identifiers of extensions (RFC 5280, 4.2). */
export const extensionIds = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** More than any certificate of a TPM; NV memory of one ends far earlier. */
const maxCertificate = 16 * 1024;

/** Reads a certificate in DER, as it comes from a TPM's NV memory: padding of zeros or ones behind it is dropped. Throws TPM_CERTIFICATE. */
export function parseCertificate(bytes: Uint8Array): Certificate {
  if (bytes.length > maxCertificate) malformed(`it is larger than ${maxCertificate} bytes`);
  const all = Buffer.from(bytes);
  const outer = readDer(all, 'the certificate');
  const padding = all.subarray(outer.raw.length);
  if (!padding.every((byte) => byte === 0) && !padding.every((byte) => byte === 0xff))
    malformed('something follows it that is no padding');
  if (outer.tag !== derTags.sequence) malformed('it is no sequence');
  const [tbs, algorithm, signature, ...more] = derChildren(outer.content, 'the certificate');
  if (tbs === undefined || algorithm === undefined || signature?.tag !== derTags.bitString || more.length > 0)
    return malformed('it has not the three parts of one');
  const extensions = extensionsOf(tbs);
  return {
    raw: outer.raw,
    x509: openSsl(outer.raw),
    signatureAlgorithm: algorithmId(algorithm),
    extensions: new Set(extensions.keys()),
    critical: new Set([...extensions].filter(([, one]) => one.critical).map(([id]) => id)),
    purposes: purposesOf(extensions.get(extensionIds.extendedKeyUsage)),
    authority: authorityOf(extensions.get(extensionIds.basicConstraints)),
    keyUsage: keyUsageOf(extensions.get(extensionIds.keyUsage)),
  };
}

function openSsl(raw: Buffer): X509Certificate {
  try {
    return new X509Certificate(raw);
  } catch {
    return malformed('OpenSSL cannot read it');
  }
}

function algorithmId(element: DerElement): string {
  const [id] = derChildren(element.content, 'the signature algorithm');
  return id?.tag === derTags.oid ? oidText(id.content) : malformed('it names no signature algorithm');
}

function extensionsOf(tbs: DerElement): Map<string, Extension> {
  const found = new Map<string, Extension>();
  const fields = derChildren(tbs.content, 'the certificate’s body');
  const version = fields[0]?.tag === derTags.context0 ? fields[0].content : Buffer.alloc(0);
  if (!version.equals(Buffer.from([derTags.integer, 1, 2]))) malformed('it is not of version 3');
  const wrapper = fields.find((field) => field.tag === derTags.context3);
  if (wrapper === undefined) return found;
  for (const each of derChildren(
    soleDer(wrapper.content, derTags.sequence, 'the extensions').content,
    'an extension',
  )) {
    const parts = derChildren(each.content, 'an extension');
    const [id, value] = [parts[0], parts.at(-1)];
    if (id?.tag !== derTags.oid || value?.tag !== derTags.octetString) return malformed('an extension has no value');
    const flag = parts.length === 3 ? parts[1] : undefined;
    const critical = flag?.tag === derTags.boolean && flag.content.equals(Buffer.from([0xff]));
    if (parts.length > (critical ? 3 : 2)) malformed('an extension is neither critical nor not');
    if (found.has(oidText(id.content))) malformed('an extension comes twice');
    found.set(oidText(id.content), { critical, value: value.content });
  }
  return found;
}

function purposesOf(extension: Extension | undefined): string[] {
  if (extension === undefined) return [];
  const list = soleDer(extension.value, derTags.sequence, 'the extended key usage');
  return derChildren(list.content, 'a purpose').map((one) => oidText(one.content));
}

function authorityOf(extension: Extension | undefined): Certificate['authority'] {
  if (extension === undefined) return undefined;
  const parts = derChildren(
    soleDer(extension.value, derTags.sequence, 'the basic constraints').content,
    'a constraint',
  );
  const flag = parts[0]?.tag === derTags.boolean ? parts.shift() : undefined;
  const isAuthority = flag?.content.equals(Buffer.from([0xff])) ?? false;
  const [length] = parts;
  if (length === undefined) return { isAuthority };
  return { isAuthority, pathLength: smallInteger(length.content, 'the path length') };
}

function keyUsageOf(extension: Extension | undefined): Set<KeyUsage> | undefined {
  if (extension === undefined) return undefined;
  const { content } = soleDer(extension.value, derTags.bitString, 'the key usage');
  const bits = content[1] ?? 0;
  return new Set(keyUsages.filter((_, index) => (bits & (0x80 >> index)) !== 0));
}
