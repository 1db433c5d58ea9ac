import { z } from 'zod';
import { address, boolean, fraction, labels, mapOf, name, nameKey, oneOf, port, scalar, text } from './scalars.js';

const identityExpected = 'the path of a private key file, or a list of them';
const identity = z.union([text(identityExpected), z.array(text(identityExpected))], { error: identityExpected });

const node = z.strictObject(
  {
    address,
    port: port.optional(),
    user: text('a user name').optional(),
    identity: identity.optional(),
    site: name.optional(),
    labels: labels.optional(),
    wariness: fraction.optional(),
    state: oneOf('in-service', 'drained', 'retired').optional(),
  },
  { error: 'a map with at least an address' },
);

const site = z.preprocess(
  (input) => (input === '' ? {} : input),
  z.strictObject(
    { region: name.optional(), address: text('text').optional(), labels: labels.optional() },
    { error: 'a map with region, address, labels' },
  ),
);

const region = z.preprocess(
  (input) => (input === '' ? {} : input),
  z.strictObject({ description: text('text').optional() }, { error: 'nothing, or a map with a description' }),
);

/** Schema of fleet.yaml; all scalars come in as text. */
export const fleetFile = z.strictObject(
  {
    id: scalar('a ULID: 26 letters and digits, written by edgectl init', (value) =>
      /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(value) ? value : undefined,
    ),
    name,
    lab: boolean.optional(),
    defaults: z
      .strictObject(
        { user: text('a user name').optional(), port: port.optional(), identity: identity.optional() },
        { error: 'a map with user, port, identity' },
      )
      .optional(),
    regions: mapOf(nameKey, region, 'a map of regions').optional(),
    sites: mapOf(nameKey, site, 'a map of sites').optional(),
    nodes: mapOf(nameKey, node, 'a map of nodes').optional(),
  },
  { error: 'a map with id, name, nodes' },
);

/** fleet.yaml as it was read. */
export type FleetFile = z.output<typeof fleetFile>;
