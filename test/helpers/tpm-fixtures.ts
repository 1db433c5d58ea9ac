import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { Certificate } from '../../src/seal/evidence/certificate.js';
import { parseCertificate } from '../../src/seal/evidence/certificate.js';
import { EdgectlError } from '../../src/errors/error.js';
import { decodePublic } from '../../src/seal/tpm/public-area.js';
import type { PublicArea } from '../../src/seal/tpm/public-area.js';

/** Where the real structures are. */
export const tpmFixtureDir = fileURLToPath(new URL('../fixtures/tpm/', import.meta.url));

/** A real structure, by its file name. */
export function tpmFixture(name: string): Buffer {
  return readFileSync(`${tpmFixtureDir}${name}`);
}

/** A public area among the fixtures. */
export function publicFixture(name: string): PublicArea {
  return decodePublic(tpmFixture(`${name}.pub`));
}

/** A certificate in PEM among the fixtures. */
export function authorityFixture(name: string): Certificate {
  const pem = tpmFixture(name).toString('ascii');
  return parseCertificate(Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64'));
}

/** The fixtures' certificates are valid at this time. */
export const fixtureTime = Date.parse('2026-11-27T00:00:00Z');

/** The PCR values of the fixtures' quote. */
export function quotedPcrs(): Map<number, Buffer> {
  const values = tpmFixture('q.pcrs');
  return new Map([
    [7, values.subarray(0, 32)],
    [11, values.subarray(32)],
  ]);
}

/** Every copy of some bytes with one bit turned; or, where each try is dear, of each byte one bit, another one from byte to byte. */
export function* bitFlips(
  bytes: Buffer,
  which: 'every' | 'one-a-byte' = 'every',
): Generator<{ bit: number; flipped: Buffer }> {
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    if (which === 'one-a-byte' && bit % 8 !== (bit >> 3) % 8) continue;
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    yield { bit, flipped };
  }
}

/** The code with which something is refused; undefined when it is not. Any other error is passed on. */
export function refusalOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof EdgectlError) return error.code;
    throw error;
  }
}
