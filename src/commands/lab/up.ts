import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base.js';
import { EdgectlError } from '../../errors/error.js';
import { defaultLabDir, labDirOption, labLayout } from '../../lab/layout.js';

export default class LabUp extends BaseCommand<typeof LabUp> {
  static override summary = 'Bring up a fleet on this computer to rehearse on.';
  static override description =
    'Each node is a directory with an SSH server on a port of 127.0.0.1, the real node kit, and a small runtime with a workload. ' +
    'It needs no root and nothing installed but sh and ssh-keygen, and stays up until edgectl lab down.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --nodes 1000 --sites 100',
  ];
  static override flags = {
    nodes: Flags.integer({ char: 'n', default: 12, min: 1, max: 2000, summary: 'How many nodes.' }),
    sites: Flags.integer({ min: 1, max: 1000, summary: 'Over how many sites; one for every four nodes when absent.' }),
    machines: Flags.boolean({ summary: 'Real systemd machines (systemd-nspawn) instead of directories; needs root.' }),
    dir: Flags.string(labDirOption),
  };

  protected async execute(): Promise<CommandResult> {
    if (this.flags.machines) {
      throw new EdgectlError('LAB_UNSUPPORTED', {
        message: 'Labs of real machines cannot be started from here yet.',
        hint: 'leave out --machines',
      });
    }
    const { nodes, sites, dir } = this.flags;
    const { LabUp: Procedure } = await import('../../lab/up.js');
    const layout = labLayout(dir ?? defaultLabDir(this.io.env));
    const result = await new Procedure({
      layout,
      nodes,
      ...(sites === undefined ? {} : { sites: Math.min(sites, nodes) }),
      env: this.io.env,
      now: () => new Date(this.clock.now()),
      version: this.config.version,
      onStep: (text) => void this.say(`  ${text} …`),
    }).run();
    return {
      data: result,
      text: (ui) => {
        const versions = result.runtimes.map(({ version, about }) => `  lab-runtime ${version}  ${about}`);
        return [
          `${ui.theme.good('Up:')} ${nodes} nodes on ${result.sites === 1 ? 'one site' : `${result.sites} sites`}. This is a sandbox: the nodes are directories on`,
          'this computer, and what it proves is kill and reboot, not lost disk writes.',
          '',
          ...versions,
          '',
          'Next:',
          `  export EDGECTL_FLEET=${result.fleetDir}`,
          '  edgectl rollout runtime --canary 5% --policy rehearsal',
          '  edgectl lab break NODE --how offline|hang|bad-runtime|power-cut',
          '  edgectl lab down',
        ].join('\n');
      },
    };
  }
}
