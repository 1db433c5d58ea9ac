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
export function machinesUpText(result: { fleetDir: string; nodes: readonly string[] }): string {
  return [
    `Up: ${result.nodes.length} bare systemd machines on this computer, with their distribution's runtimes.`,
    '',
    'Next:',
    `  export EDGECTL_FLEET=${result.fleetDir}`,
    '  edgectl node prepare --all',
    '  edgectl runtime pack runc FILE.deb, and name it in runtimes.yaml',
    '  edgectl rollout runtime --canary 1 --policy rehearsal',
    '  edgectl lab down',
  ].join('\n');
}
