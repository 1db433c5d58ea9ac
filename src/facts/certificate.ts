import { createHash, X509Certificate } from 'node:crypto';
import type { Reading } from './sighting.js';
import { oneLine } from '../util/escape.js';

/** What is said of a certificate that a node sent as PEM in one line; unknown when it is none. */
export function certificateReadings(name: string, pem: string): Map<string, Reading> {
  const body = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/= ]{1,8192})-----END CERTIFICATE-----$/u.exec(pem.trim())?.[1];
  try {
    const der = Buffer.from(body ?? '', 'base64');
    const certificate = new X509Certificate(der);
    const expires = new Date(certificate.validTo);
    return new Map<string, Reading>([
      [`${name}.expires`, { value: expires.toISOString().replace('.000Z', 'Z') }],
      [`${name}.subject`, { value: oneLine(certificate.subject.replaceAll('\n', ', '), 300) }],
      [`${name}.digest`, { value: `sha256:${createHash('sha256').update(der).digest('hex')}` }],
    ]);
  } catch {
    return new Map([[`${name}.expires`, { unknown: 'not a certificate that can be read' }]]);
  }
}
