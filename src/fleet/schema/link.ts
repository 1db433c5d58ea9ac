import { z } from 'zod';
import { boolean, name, oneOf, scalar } from './scalars.js';

const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/** A stretch of a site's local time in which its line may be used. */
export interface LinkWindow {
  /** Days on which it begins, 0 is Sunday. */
  days: readonly number[];
  /** Minutes after local midnight; `to` is beyond 1440 when it ends on the next day. */
  from: number;
  to: number;
}

const bitUnits: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6, G: 1e9 };
const byteUnits: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };

/** Bytes per second of a rate such as `8Mbit/s` or `1MB/s` (SI units); undefined when it is none. */
export function parseRate(text: string): number | undefined {
  const [, amount, bits, bytes] = /^(\d{1,9}(?:\.\d{1,3})?) ?(?:([kMG]?)bit|(k?B|MB|GB))\/s$/.exec(text) ?? [];
  if (amount === undefined) return undefined;
  const value = Number(amount) * (bits === undefined ? (byteUnits[bytes ?? ''] ?? 0) : (bitUnits[bits] ?? 0) / 8);
  // Below this a single request would take longer than a connection may stand still.
  return value >= 1000 ? Math.floor(value) : undefined;
}

/** Bytes of a size such as `20GB` (SI units); undefined when it is none. */
export function parseSize(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,9}(?:\.\d{1,3})?) ?(k?B|MB|GB|TB)$/.exec(text) ?? [];
  const value = amount === undefined ? 0 : Math.floor(Number(amount) * (byteUnits[unit ?? ''] ?? 0));
  return value > 0 && Number.isSafeInteger(value) ? value : undefined;
}

function parseDays(text: string | undefined): number[] | undefined {
  if (text === undefined) return [0, 1, 2, 3, 4, 5, 6];
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const [first = -1, last = first] = part.split('-').map((word) => days.findIndex((day) => day === word));
    if (first < 0 || last < 0 || part.split('-').length > 2) return undefined;
    for (let day = first; ; day = (day + 1) % 7) {
      found.add(day);
      if (day === last) break;
    }
  }
  return [...found].sort((a, b) => a - b);
}

function parseMinutes(text: string): number | undefined {
  const [, hours, minutes] = /^(\d\d):(\d\d)$/.exec(text) ?? [];
  const value = Number(hours) * 60 + Number(minutes);
  return Number(minutes) < 60 && value <= 1440 ? value : undefined;
}

/** A window such as `22:00-06:00` or `mon-fri,sun 21:30-24:00`; undefined when it is none. */
export function parseWindow(text: string): LinkWindow | undefined {
  const [, written, begin = '', end = ''] = /^(?:([a-z,-]+) )?(\d\d:\d\d)-(\d\d:\d\d)$/.exec(text) ?? [];
  const [on, from, to] = [parseDays(written), parseMinutes(begin), parseMinutes(end)];
  if (on === undefined || from === undefined || to === undefined || from === 1440 || from === to) return undefined;
  return { days: on, from, to: to > from ? to : to + 1440 };
}

function isZone(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,63}$/.test(text)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
}

const windowExpected = 'a window such as 22:00-06:00 or “mon-fri 21:30-24:00”';
const window = scalar(windowExpected, parseWindow);
const size = scalar('a size such as 20GB', parseSize);

/** `sites.NAME.link`: what the site's line may be used for. */
export const link = z
  .strictObject(
    {
      rate: scalar('a rate such as 8Mbit/s or 1MB/s', parseRate).optional(),
      windows: z.union([window, z.array(window)], { error: `${windowExpected}, or a list of them` }).optional(),
      zone: scalar('an IANA time zone such as Europe/Berlin', (value) =>
        isZone(value) ? value : undefined,
      ).optional(),
      monthly: size.optional(),
    },
    { error: 'a map with rate, windows, zone, monthly' },
  )
  .superRefine((value, context) => {
    if (value.windows !== undefined && value.zone === undefined)
      context.addIssue({ code: 'custom', path: ['windows'], message: 'a zone beside it: whose time is meant?' });
  });

/** Is it loopback as seen from the lead node? */
function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

const url = scalar('the URL of a registry such as http://127.0.0.1:5000, without a path', (value) => {
  if (!/^https?:\/\/(\[[0-9a-f:]+\]|[a-z0-9][a-z0-9.-]*)(:\d{1,5})?\/?$/.test(value)) return undefined;
  return URL.canParse(value) ? value.replace(/\/$/, '') : undefined;
});

/** `sites.NAME.registry`: the registry of the site, as its lead node sees it. */
export const siteRegistry = z
  .strictObject(
    {
      url,
      kind: oneOf('distribution', 'zot').optional(),
      insecure: boolean.optional(),
      lead: name.optional(),
      spool: scalar('an absolute path without spaces', (value) =>
        /^\/[A-Za-z0-9._/-]{1,200}$/.test(value) && !value.split('/').includes('..') ? value : undefined,
      ).optional(),
    },
    { error: 'a map with at least a url' },
  )
  .superRefine((value, context) => {
    const { protocol, hostname } = new URL(value.url ?? 'https://unread');
    if (protocol === 'http:' && value.insecure !== true && !isLoopbackHost(hostname))
      context.addIssue({ code: 'custom', path: ['url'], message: 'https, loopback, or “insecure: true” beside it' });
  });
