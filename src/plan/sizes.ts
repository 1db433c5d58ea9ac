/** The fraction of a percentage such as `95%`. The schemas have checked the text. */
export function wholeShare(percentage: string): number {
  return Number(percentage.replace('%', '').trim()) / 100;
}

// 5 % of 60 is 3, not 3.0000000000000004 rounded up to 4.
const tolerance = 1e-9;

/** A number of nodes from a count or a percentage of `total`; rounds as told, at least 1. */
export function resolveSize(written: number | string, total: number, round: 'up' | 'down'): number {
  if (typeof written === 'string' && written.includes('%')) {
    const exact = wholeShare(written) * total;
    const size = round === 'up' ? Math.ceil(exact - tolerance) : Math.floor(exact + tolerance);
    return Math.max(1, size);
  }
  return Math.max(1, Number(written));
}
