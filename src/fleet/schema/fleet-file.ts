import { z } from 'zod';
import { link, siteRegistry } from './link.js';
import {
  address,
  boolean,
  count,
  fraction,
  labels,
  mapOf,
  name,
  nameKey,
  oneOf,
  port,
  scalar,
  text,
} from './scalars.js';

const identityExpected = 'the path of a private key file, or a list of them';
const identity = z.union([text(identityExpected), z.array(text(identityExpected))], { error: identityExpected });
const user = text('a user name');
const viaExpected = 'the name of a bastion, or a list of them, nearest to the operator first';
const via = z.union([name, z.array(name)], { error: viaExpected });
const transport = oneOf('ssh', 'openssh');
const emptyIsMap = (input: unknown): unknown => (input === '' ? {} : input);

const node = z.strictObject(
  {
    address,
    port: port.optional(),
    user: user.optional(),
    identity: identity.optional(),
    via: via.optional(),
    transport: transport.optional(),
    site: name.optional(),
    'call-home': scalar('the absolute path of a socket on the bastion, at most 100 characters', (value) =>
      /^\/[A-Za-z0-9._/-]{1,99}$/.test(value) ? value : undefined,
    ).optional(),
    groups: z.array(name, { error: 'a list of groups' }).optional(),
    labels: labels.optional(),
    wariness: fraction.optional(),
    state: oneOf('in-service', 'drained', 'retired').optional(),
  },
  { error: 'a map with at least an address' },
);

const proxy = scalar('http://HOST:PORT or https://HOST:PORT of a proxy, without a password, or direct', (value) => {
  if (value === 'direct') return value;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const plain =
    url !== undefined && url.username === '' && url.password === '' && /^\/?$/.test(url.pathname + url.search);
  return plain && /^https?:$/.test(url.protocol) ? value : undefined;
});

const site = z.preprocess(
  emptyIsMap,
  z.strictObject(
    {
      region: name.optional(),
      address: text('text').optional(),
      labels: labels.optional(),
      via: via.optional(),
      transport: transport.optional(),
      proxy: proxy.optional(),
      registry: siteRegistry.optional(),
      link: link.optional(),
    },
    { error: 'a map with region, address, labels, via, transport, proxy, registry, link' },
  ),
);

const region = z.preprocess(
  emptyIsMap,
  z.strictObject({ description: text('text').optional() }, { error: 'nothing, or a map with a description' }),
);

const bastion = z.strictObject(
  {
    address,
    port: port.optional(),
    user: user.optional(),
    identity: identity.optional(),
    handshakes: count(1).optional(),
    channels: count(1).optional(),
    'call-home': z
      .strictObject(
        {
          address: address.optional(),
          port: port.optional(),
          user: user.optional(),
          dir: scalar('an absolute path, at most 60 characters', (value) =>
            /^\/[A-Za-z0-9._/-]{1,59}$/.test(value) ? value : undefined,
          ).optional(),
        },
        { error: 'a map with address, port, user, dir' },
      )
      .optional(),
  },
  { error: 'a map with at least an address' },
);

const defaults = z.strictObject(
  {
    user: user.optional(),
    port: port.optional(),
    identity: identity.optional(),
    via: via.optional(),
    transport: transport.optional(),
    labels: labels.optional(),
  },
  { error: 'a map with user, port, identity, via, transport, labels' },
);

/** What fleet.yaml and every file in nodes/ may say. */
const places = {
  defaults: defaults.optional(),
  bastions: mapOf(nameKey, bastion, 'a map of bastions').optional(),
  regions: mapOf(nameKey, region, 'a map of regions').optional(),
  sites: mapOf(nameKey, site, 'a map of sites').optional(),
  nodes: mapOf(nameKey, node, 'a map of nodes').optional(),
};

/** Schema of fleet.yaml; all scalars come in as text. */
export const fleetFile = z.strictObject(
  {
    id: scalar('a ULID: 26 letters and digits, written by edgectl init', (value) =>
      /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(value) ? value : undefined,
    ),
    name,
    lab: boolean.optional(),
    ...places,
  },
  { error: 'a map with id, name, nodes' },
);

/** Schema of a file in nodes/, and of what a dynamic source prints. */
export const nodesFile = z.preprocess(
  emptyIsMap,
  z.strictObject(places, { error: 'a map with nodes, sites, regions, bastions, defaults' }),
);

/** A file of nodes as it was read. */
export type NodesFile = z.output<typeof nodesFile>;
