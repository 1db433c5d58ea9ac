import { z } from 'zod';
import { mapOf, parsePercent, scalar, text } from './scalars.js';

const attribute = scalar('the name of an attribute, with * and ?', (value) =>
  /^[^\s\0-\x1f]{1,200}$/.test(value) ? value : undefined,
);
const listOf = <V extends z.ZodType>(one: V, expected: string) =>
  z.preprocess(
    (input) => (typeof input === 'string' && input !== '' ? [input] : input),
    z.array(one, { error: expected }).min(1, { error: expected }),
  );

/** The last day on which a rule holds; the end of it in UTC, RFC 3339. */
const expires = scalar('a day such as 2027-01-31', (value) => {
  if (!/^\d{4}-\d\d-\d\d$/.test(value)) return undefined;
  const end = new Date(`${value}T23:59:59.999Z`);
  return Number.isNaN(end.getTime()) || end.toISOString().slice(0, 10) !== value ? undefined : end.toISOString();
});

const rule = z.strictObject(
  {
    attributes: listOf(attribute, 'the name of an attribute, or a list of them'),
    on: text('a selector').optional(),
    reason: text('why this is as it should be'),
    owner: text('who answers for it'),
    expires,
  },
  { error: 'a map with attributes, on, reason, owner, expires' },
);

const groupKey = scalar('site, region, or the key of a label', (value) =>
  /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/.test(value) ? value : undefined,
);
const majority = scalar('a percentage above 50%', (value) => {
  const share = parsePercent(value);
  return share !== undefined && share > 0.5 ? share : undefined;
});

const peers = z.preprocess(
  (input) => (input === 'none' ? { attributes: [] } : input),
  z.strictObject(
    {
      by: z
        .preprocess((input) => (typeof input === 'string' && input !== '' ? [input] : input), z.array(groupKey))
        .optional(),
      majority: majority.optional(),
      attributes: z.array(attribute, { error: 'a list of attributes' }).optional(),
    },
    { error: 'none, or a map with by, majority, attributes' },
  ),
);

/** Schema of drift.yaml. */
export const driftFile = z.preprocess(
  (input) => (input === '' ? {} : input),
  z.strictObject(
    { ignore: z.array(rule, { error: 'a list of rules' }).optional(), peers: peers.optional() },
    { error: 'a map with ignore, peers' },
  ),
);

const version = scalar('a version such as 1.3.6', (value) =>
  /^[A-Za-z0-9][A-Za-z0-9.+:~_-]{0,63}$/.test(value) ? value : undefined,
);
const advisory = z.strictObject(
  {
    component: text('a runtime or package'),
    fixed: listOf(version, 'the version that is fixed, or a list with one for each branch'),
    from: version.optional(),
    summary: text('text').optional(),
  },
  { error: 'a map with component, fixed, from, summary' },
);

/** Schema of advisories.yaml: a map by the name of the advisory, such as its CVE. */
export const advisoriesFile = mapOf(
  z.string().refine((key) => /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/.test(key), { error: 'the name of an advisory' }),
  advisory,
  'a map of advisories',
);

export type DriftFile = z.output<typeof driftFile>;
export type AdvisoriesFile = z.output<typeof advisoriesFile>;
