import type { Fleet } from '../../fleet/types.js';
import { transportTable } from '../../plan/states.js';
import type { TransportFailure } from '../../transport/types.js';
import { mapLimit } from '../../util/map-limit.js';
import { bastionHint } from '../checks/bastion.js';
import type { Finding } from '../check.js';
import type { FleetCheck } from './check.js';
import { bastionNames } from './known-hosts.js';

/** Connections that a bastion carries at once when the fleet does not say. */
const defaultChannels = 512;
/** Files that sshd has open besides one for each connection that it carries. */
const ownFiles = 32;

/** Do the bastions let us in, and may their sshd open as many files as connections are meant to go through? */
export const bastionsCheck: FleetCheck = {
  id: 'bastions',
  needsFleet: true,
  run: async (computer, fleet) => {
    const names = bastionNames(fleet);
    if (names.length === 0) return { state: 'ok', detail: 'the fleet has none' };
    const ask = computer.bastion;
    if (ask === undefined) return { state: 'ok', detail: `not contacted: ${names.join(', ')}` };
    const found = await mapLimit(names, 8, async (name) => judge(name, fleet, await ask(name, fleet)));
    const worst = found.find(({ state }) => state === 'bad') ?? found.find(({ state }) => state === 'warn');
    return worst ?? { state: 'ok', detail: found.map(({ detail }) => detail).join('; ') };
  },
};

function judge(name: string, fleet: Fleet, answer: { openFiles: number | undefined } | TransportFailure): Finding {
  if ('ok' in answer) {
    const hint = bastionHint(answer.kind, answer.bastion ?? name);
    return {
      state: 'bad',
      detail: answer.message,
      hint,
      refused: transportTable[answer.kind].before.state === 'refused',
    };
  }
  const channels = fleet.nodes.flatMap(({ via }) => via).find((bastion) => bastion.name === name)?.channels;
  const wanted = Math.min(
    channels ?? defaultChannels,
    fleet.nodes.filter(({ via }) => via.some((one) => one.name === name)).length,
  );
  const { openFiles } = answer;
  if (openFiles === undefined)
    return { state: 'ok', detail: `${name}: logged in (it runs no commands, so its limits are unknown)` };
  const room = openFiles - ownFiles;
  if (wanted <= room) return { state: 'ok', detail: `${name}: logged in, room for ${room} connections` };
  return {
    state: 'warn',
    detail: `${name}: ${wanted} connections are meant to go through it, its sshd may open ${openFiles} files`,
    hint: `in fleet.yaml, bastions.${name}: channels: ${Math.max(1, room)}`,
  };
}
