import { EdgectlError } from '../../errors/error.js';

/** One DER element (ITU-T X.690), of those with a tag of one byte. */
export interface DerElement {
  tag: number;
  content: Buffer;
  /** With its tag and length. */
  raw: Buffer;
}

/** Tags of what a certificate is made of. */
export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  /** The version and the extensions of a certificate. */
  context0: 0xa0,
  context3: 0xa3,
} as const;

/** Reads the element at the start of some bytes; what follows it is not looked at. Throws TPM_CERTIFICATE. */
export function readDer(bytes: Buffer, what: string): DerElement {
  const [tag, first] = [bytes[0], bytes[1]];
  if (tag === undefined || first === undefined) return malformed(`${what} is cut off`);
  if ((tag & 0x1f) === 0x1f) return malformed(`${what} has a tag of several bytes`);
  // Certificates are below 64 KiB: three bytes of length are enough.
  const sizeBytes = first < 0x80 ? 0 : first - 0x80;
  const head = 2 + sizeBytes;
  if (first === 0x80 || sizeBytes > 3 || bytes.length < head) return malformed(`${what} has no usable length`);
  const size = sizeBytes === 0 ? first : bytes.readUIntBE(2, sizeBytes);
  if (sizeBytes > 0 && (size < 0x80 || bytes[2] === 0)) return malformed(`${what} has a length that is not DER`);
  if (bytes.length < head + size) return malformed(`${what} is cut off`);
  return { tag, content: bytes.subarray(head, head + size), raw: bytes.subarray(0, head + size) };
}

/** The elements inside of a constructed one. Throws TPM_CERTIFICATE. */
export function derChildren(content: Buffer, what: string): DerElement[] {
  const children: DerElement[] = [];
  for (let at = 0; at < content.length;) {
    const child = readDer(content.subarray(at), what);
    children.push(child);
    at += child.raw.length;
  }
  return children;
}

/** The only element of some bytes. Throws TPM_CERTIFICATE when its tag is another, or something follows. */
export function soleDer(bytes: Buffer, tag: number, what: string): DerElement {
  const element = readDer(bytes, what);
  if (element.tag !== tag || element.raw.length !== bytes.length) return malformed(`${what} is not what it should be`);
  return element;
}

/** An object identifier in dots. Throws TPM_CERTIFICATE. */
export function oidText(content: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    if (arc > 0xff_ffff) return malformed('an object identifier is out of bounds');
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [first, ...rest] = arcs;
  if (first === undefined || (content.at(-1) ?? 0) >= 0x80) return malformed('an object identifier is cut off');
  const top = Math.min(Math.floor(first / 40), 2);
  return [top, first - top * 40, ...rest].join('.');
}

/** A small number that is not negative. Throws TPM_CERTIFICATE. */
export function smallInteger(content: Buffer, what: string): number {
  if (content.length === 0 || content.length > 4 || (content[0] ?? 0) >= 0x80)
    return malformed(`${what} is out of bounds`);
  return content.readUIntBE(0, content.length);
}

/** Refuses a certificate for what its bytes are. */
export function malformed(why: string): never {
  throw new EdgectlError('TPM_CERTIFICATE', { message: `This is not a certificate in DER: ${why}.` });
}
