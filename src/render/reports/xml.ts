/** The first line of an XML file. */
export const xmlHead = '<?xml version="1.0" encoding="UTF-8"?>\n';

// What XML 1.0 cannot hold (section 2.2), and DEL to C1, which it may hold and nobody wants to read.
// eslint-disable-next-line no-control-regex
const impossible = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff\p{Surrogate}]/gu;

/** Text between tags. What XML cannot hold is shown as `\\xNN`. */
export function content(text: string): string {
  return text
    .replace(impossible, (character) => `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\r', '\\x0d');
}

/** Text between double quotes. */
export function attribute(text: string): string {
  return content(text).replaceAll('"', '&quot;').replaceAll('\n', '&#10;').replaceAll('\t', '&#9;');
}
