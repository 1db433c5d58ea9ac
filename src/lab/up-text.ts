import type { MachineFleetResult } from './machine-fleet.js';
import type { LabUpResult } from './up.js';

/** What `lab up` says in the end, for a person. */
export function labUpText(result: LabUpResult): string {
  const sites = result.sites === 1 ? 'one site' : `${result.sites} sites`;
  return [
    `Up: ${result.nodes.length} nodes on ${sites}. This is a sandbox: the nodes are directories on`,
    'this computer, and what it proves is kill and reboot, not lost disk writes.',
    '',
    ...result.runtimes.map(({ version, about }) => `  lab-runtime ${version}  ${about}`),
    '',
    'Next:',
    `  export EDGECTL_FLEET=${result.fleetDir}`,
    '  edgectl rollout runtime --canary 5% --policy rehearsal',
    '  edgectl lab break NODE --how offline|hang|bad-runtime|power-cut',
    '  edgectl lab down',
  ].join('\n');
}

/** What `lab up --machines` says in the end, for a person. */
export function machinesUpText(result: MachineFleetResult): string {
  const [first] = result.nodes;
  return [
    `Up: ${result.nodes.length} systemd machines on this computer, each with a container that serves a page (${first?.page ?? ''}).`,
    '',
    'Newer builds to roll out:',
    ...result.runtimes.map(({ component, version }) => `  ${component} ${version}`),
    '',
    'Next:',
    `  export EDGECTL_FLEET=${result.fleetDir}`,
    '  edgectl rollout runtime --canary 5% --policy rehearsal',
    '  edgectl lab break NODE --how offline|hang|bad-runtime|power-cut',
    '  edgectl lab down',
  ].join('\n');
}
