import { Flags } from '@oclif/core';
import { BaseCommand, type CommandResult } from '../../cli/base.js';
import { defaultLabDir, labDirOption, labLayout } from '../../lab/layout.js';

export default class LabUp extends BaseCommand<typeof LabUp> {
  static override summary = 'Bring up a fleet on this computer to rehearse on.';
  static override description =
    'Each node is a directory with an SSH server on a port of 127.0.0.1, the real node kit, and a small runtime with a workload. ' +
    'It needs no root and nothing installed but sh and ssh-keygen, and stays up until edgectl lab down. With --machines each node is a ' +
    'systemd machine instead, with genuine container runtimes and newer builds of them to roll out.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --nodes 1000 --sites 100',
    'sudo <%= config.bin %> <%= command.id %> --machines 8',
  ];
  static override flags = {
    nodes: Flags.integer({ char: 'n', default: 12, min: 1, max: 2000, summary: 'How many nodes.' }),
    sites: Flags.integer({ min: 1, max: 1000, summary: 'Over how many sites; one for every four nodes when absent.' }),
    machines: Flags.integer({
      min: 1,
      max: 200,
      exclusive: ['nodes'],
      summary: 'This many real systemd machines (systemd-nspawn) instead of directories; needs root.',
    }),
    dir: Flags.string(labDirOption),
  };

  protected async execute(): Promise<CommandResult> {
    const { nodes, sites, dir, machines } = this.flags;
    const layout = labLayout(dir ?? defaultLabDir(this.io.env));
    const { labUpText, machinesUpText } = await import('../../lab/up-text.js');
    const common = {
      layout,
      version: this.config.version,
      env: this.io.env,
      now: () => new Date(this.clock.now()),
      onStep: (text: string) => void this.say(`  ${text} …`),
    };
    const count = machines ?? nodes;
    const placed = sites === undefined ? {} : { sites: Math.min(sites, count) };
    if (machines !== undefined) {
      const { MachineFleet } = await import('../../lab/machine-fleet.js');
      const result = await new MachineFleet({ ...common, ...placed, machines, signal: this.signal }).up();
      return { data: result, text: () => machinesUpText(result) };
    }
    const { LabUp: Procedure } = await import('../../lab/up.js');
    const result = await new Procedure({ ...common, ...placed, nodes }).run();
    return { data: result, text: () => labUpText(result) };
  }
}
