import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { sudoFlags } from '../../cli/flags.js';
import { sudoPasswordOf } from '../../cli/sudo.js';

export default class NodeDoctor extends BaseCommand<typeof NodeDoctor> {
  static override summary =
    'Find out why a node cannot be used: name, network, sshd, host key, login, sudo, kit, clock, disk.';
  static override description =
    'Each check stands on the one before; the first that fails names the way to repair it. Changes nothing. Ends with 0, with 1 when a check failed, 3 when the node is out of reach, 4 when it or we refuse (host key, login, no kit).';
  static override examples = [
    '<%= config.bin %> <%= command.id %> edge-001',
    '<%= config.bin %> <%= command.id %> edge-001 --json',
  ];
  static override args = { node: Args.string({ required: true, description: 'The node.' }) };
  static override flags = { ...sudoFlags };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { nodeOf, targetOf } = await import('../../node/target.js');
    const { openNodes } = await import('../../node/open.js');
    const { examine, kitFindings } = await import('../../doctor/examine.js');
    const { checksFor } = await import('../../doctor/node-checks.js');
    const { doctorExitCode } = await import('../../doctor/exit-code.js');
    const { checksText } = await import('../../render/checks.js');
    const node = nodeOf(fleet, this.args.node);
    const sudo = await sudoPasswordOf(this.flags, { io: this.io, signal: this.signal });
    const { transport, client, close } = openNodes(fleet, { env: this.io.env, sudo });
    const { clock, signal } = this;
    const target = targetOf(fleet, node, { agent: this.io.env['SSH_AUTH_SOCK'], home: this.io.env['HOME'] });
    const checks = await examine({ fleet, node, target, transport, client, clock, signal }, checksFor(target))
      .then(async (found) => {
        const kit = found.some(({ id, state }) => id === 'kit' && state === 'ok');
        return kit ? [...found, ...(await kitFindings(client, node.id, signal))] : found;
      })
      .finally(close);
    return {
      data: { node: node.id, checks },
      rows: checks,
      exitCode: doctorExitCode(checks),
      text: (ui) => checksText(ui, checks, `${node.id} can be used`),
    };
  }
}
