import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class NodeLogs extends BaseCommand<typeof NodeLogs> {
  static override summary = 'Show what a node’s kit did and what its runtimes logged.';
  static override description =
    'Reads through the kit, so no other login is needed: the events of the kit, then the last lines of the unit of each component that it manages (10,000 bytes each at most). Lines are cut to the terminal; -o wide leaves them whole. Changes nothing.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> edge-001',
    '<%= config.bin %> <%= command.id %> edge-001 --component containerd --lines 200',
    '<%= config.bin %> <%= command.id %> edge-001 --json',
  ];
  static override args = { node: Args.string({ required: true, description: 'The node.' }) };
  static override flags = {
    component: Flags.string({ helpValue: 'NAME', summary: 'Only the log of this component.' }),
    lines: Flags.integer({ default: 20, min: 1, max: 1000, summary: 'Lines of each.' }),
    timeout: Flags.integer({ summary: 'Seconds to wait.', default: 30, min: 1, max: 3600 }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { nodeOf } = await import('../../node/target.js');
    const { openNodes } = await import('../../node/open.js');
    const { readLogs } = await import('../../node/logs.js');
    const { answerError } = await import('../../node/failure-error.js');
    const { logsText } = await import('../../render/node-logs.js');
    const { id } = nodeOf(fleet, this.args.node);
    const { component, lines, timeout } = this.flags;
    const { client, close } = openNodes(fleet, { env: this.io.env });
    const request = { lines, timeoutMs: timeout * 1000, signal: this.signal };
    const found = await readLogs(client, id, component === undefined ? request : { ...request, component }).finally(
      close,
    );
    if ('kind' in found) throw answerError(id, found);
    return { data: { node: id, ...found }, rows: found.events, text: (ui) => logsText(found, ui) };
  }
}
