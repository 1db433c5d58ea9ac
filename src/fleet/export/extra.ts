import { looksSecret } from '../import/model.js';
import type { Bastion, FleetNode } from '../types.js';

/** What a format of its own has no place for; read back by the importer of that format. */
export function extraOf(node: FleetNode, unplaced: string): Record<string, unknown> {
  const said: Record<string, unknown> = {};
  if (node.site !== unplaced) said['site'] = node.site;
  if (node.region !== unplaced) said['region'] = node.region;
  if (node.transport !== 'ssh') said['transport'] = node.transport;
  if (node.wariness > 0) said['wariness'] = node.wariness;
  if (node.state !== 'in-service') said['state'] = node.state;
  if (node.via.length > 0) said['via'] = node.via.map(hop);
  return said;
}

function hop({ name, address, port, user, identity }: Bastion): Record<string, unknown> {
  return { name, address, port, user, identity };
}

/** `user@host:port` as ProxyJump takes it; brackets around IPv6. */
export function hopText({ address, port, user }: Bastion): string {
  return `${user}@${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** A label that an Ansible variable of the same name can stand for and that comes back as it was. */
export function isPlainVariable(key: string, value: string): boolean {
  return (
    /^[A-Za-z][A-Za-z0-9_]*$/.test(key) &&
    !/^(ansible|edgectl)_/.test(key) &&
    !looksSecret(key) &&
    !/[{}\\'"#\n\r]/.test(value) &&
    value === value.trim() &&
    !/^([[(]|None$|\$ANSIBLE_VAULT|~$|null$)/i.test(value)
  );
}
