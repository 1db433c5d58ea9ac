import { homedir } from 'node:os';
import { Flags } from '@oclif/core';
import type { CommandResult } from '../cli/base.js';
import { BaseCommand } from '../cli/base.js';
import { configFiles } from '../cli/config.js';

export default class Doctor extends BaseCommand<typeof Doctor> {
  static override summary =
    'Find out what is wrong on this computer: Node.js, tools, settings, keys, agent, known_hosts, journal, clock, disk, bastions.';
  static override description =
    'Changes nothing. Contacts no node; it logs in to the bastions of the fleet unless --offline is given. Each failed check comes with what to type. Ends with 0 when nothing failed (warnings too), 1 when a check failed, 3 when only a bastion is out of reach, 4 when only a bastion refuses. For a node: `edgectl node doctor NODE`.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --offline',
    '<%= config.bin %> <%= command.id %> --json',
  ];
  static override flags = { offline: Flags.boolean({ summary: 'Contact no bastion.' }) };

  protected async execute(): Promise<CommandResult> {
    const { examineComputer } = await import('../doctor/examine-computer.js');
    const { logInToBastion } = await import('../doctor/computer/bastion-login.js');
    const { computerExitCode } = await import('../doctor/exit-code.js');
    const { checksText } = await import('../render/checks.js');
    const { io, signal } = this;
    const checks = await examineComputer({
      env: io.env,
      home: io.env['HOME'] ?? homedir(),
      now: this.clock.now(),
      nodeVersion: process.versions.node,
      fleet: async () => await this.fleet(),
      settings: async () => (await configFiles(io, this.flags.fleet)).map(({ path }) => path),
      ...(this.flags.offline
        ? {}
        : { bastion: async (name, fleet) => await logInToBastion(fleet, name, { env: io.env, signal }) }),
    });
    return {
      data: { checks },
      rows: checks,
      exitCode: computerExitCode(checks),
      text: (ui) => checksText(ui, checks, 'This computer is ready'),
    };
  }
}
