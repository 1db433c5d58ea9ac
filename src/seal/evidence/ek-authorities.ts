import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import type { Certificate } from './certificate.js';
import { parseCertificate } from './certificate.js';

const extensions = new Set(['.pem', '.crt', '.cer', '.der']);

/** Reads the certificates of TPM makers that a fleet pins, e.g. from its trust/tpm-ca: PEM (several in a file, if need be) or DER. A folder that is not there pins none. Throws CONFIG_INVALID that names the file. */
export async function readEkAuthorities(dir: string): Promise<Certificate[]> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = names.filter((name) => extensions.has(path.extname(name).toLowerCase())).sort();
  const found = await Promise.all(files.map((name) => readAuthorities(path.join(dir, name))));
  return found.flat();
}

async function readAuthorities(file: string): Promise<Certificate[]> {
  const bytes = await readFile(file);
  const text = bytes.toString('latin1');
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  const isPem = text.includes('-----BEGIN');
  if (isPem && blocks === null) throw invalid(file, 'it holds no certificate');
  const ders = isPem
    ? (blocks ?? []).map((block) => Buffer.from(block.replace(/-----[^-]+-----/g, ''), 'base64'))
    : [bytes];
  return ders.map((der) => {
    const certificate = readOne(file, der);
    if (certificate.authority?.isAuthority !== true) throw invalid(file, 'it is no authority (basic constraints)');
    return certificate;
  });
}

function readOne(file: string, der: Buffer): Certificate {
  try {
    return parseCertificate(der);
  } catch (error) {
    throw invalid(file, error instanceof Error ? error.message : 'it cannot be read', error);
  }
}

function invalid(file: string, reason: string, cause?: unknown): EdgectlError {
  return new EdgectlError('CONFIG_INVALID', {
    message: `${file} cannot be pinned as a maker of TPMs: ${reason}`,
    cause,
  });
}
