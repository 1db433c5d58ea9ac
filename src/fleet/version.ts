/** Order of one character in a version: `~` before the end, the end before letters, letters before the rest (deb-version(7)). */
function weight(character: string | undefined): number {
  if (character === '~') return -1;
  if (character === undefined || /\d/.test(character)) return 0;
  return /[A-Za-z]/.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + 256;
}

/** Compares as dpkg does: runs of other characters, then runs of digits, in turn. */
function compareParts(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !/\d/.test(a[i] ?? '')) || (j < b.length && !/\d/.test(b[j] ?? ''))) {
      const difference = weight(a[i]) - weight(b[j]);
      if (difference !== 0) return difference;
      i += 1;
      j += 1;
    }
    const left = /^\d*/.exec(a.slice(i))?.[0] ?? '';
    const right = /^\d*/.exec(b.slice(j))?.[0] ?? '';
    i += left.length;
    j += right.length;
    const difference = BigInt(left === '' ? 0 : left) - BigInt(right === '' ? 0 : right);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  return 0;
}

interface Version {
  epoch: string;
  upstream: string;
  revision: string | undefined;
}

/** `v1.2.0-rc.1` is before `1.2.0` (semver); `1.2.0-1` is a Debian revision of it. */
function split(text: string): Version {
  const plain = text.trim().replace(/^v(?=\d)/, '');
  const epoch = /^(\d+):/.exec(plain)?.[1] ?? '0';
  const rest = plain.replace(/^\d+:/, '');
  const early =
    /^(\d+(?:\.\d+)*)-((?:alpha|beta|rc|pre|dev|snapshot|nightly|canary)\b.*|(?:alpha|beta|rc|pre)\d.*)$/i.exec(rest);
  if (early !== null) return { epoch, upstream: `${early[1]}~${early[2]}`, revision: undefined };
  const dash = rest.lastIndexOf('-');
  if (dash < 0) return { epoch, upstream: rest, revision: undefined };
  return { epoch, upstream: rest.slice(0, dash), revision: rest.slice(dash + 1) };
}

/**
 * Compares versions in Debian's and in semver's style: negative, zero or positive. A bound is taken as exactly as it is
 * written: one without a Debian revision stands for all of them, so that `1.7.24-1` is neither more nor less than `1.7.24`.
 */
export function compareVersions(found: string, bound: string): number {
  const a = split(found);
  const b = split(bound);
  return (
    compareParts(a.epoch, b.epoch) ||
    compareParts(a.upstream, b.upstream) ||
    (b.revision === undefined ? 0 : compareParts(a.revision ?? '0', b.revision))
  );
}
