import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { withObservations } from '../../cli/observations.js';

export default class DriftSweep extends BaseCommand<typeof DriftSweep> {
  static override summary = 'Look at nodes and keep what they are, with its history.';
  static override description =
    'One round trip a node, all at once; nothing on a node is changed. What has not changed since the last sweep is not sent again. A node without a kit is looked at without privilege. docs/reference/attributes.md lists what is seen.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --on site=berlin',
    '<%= config.bin %> <%= command.id %> edge-001 --json',
  ];
  static override args = { node: Args.string({ multiple: true, description: 'Nodes or patterns; all when absent.' }) };
  static override flags = {
    on: Flags.string({ summary: 'Only nodes that this selector matches.', helpValue: 'SELECTOR' }),
    timeout: Flags.integer({ summary: 'Seconds for each node’s answer.', default: 30, min: 1, max: 3600 }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { chosenNodes } = await import('../../node/chosen-nodes.js');
    const { openNodes } = await import('../../node/open.js');
    const { firstLook } = await import('../../node/first-contact.js');
    const { exitCodeOf } = await import('../../node/exit-code.js');
    const { sweepNodes } = await import('../../operations/sweep.js');
    const { askedOf } = await import('../../operations/drift/asked.js');
    const { sweepRows, sweepText, verdictOnSweep } = await import('../../operations/sweep-text.js');
    const nodes = chosenNodes(fleet, { names: this.args.node ?? [], on: this.flags.on, emptyMeansAll: true });
    const { io, signal, clock } = this;
    const timeoutMs = this.flags.timeout * 1000;
    const { client, close } = openNodes(fleet, { env: io.env });
    const look = firstLook(client, { timeoutMs, signal });
    const ids = nodes.map(({ id }) => id);
    const results = await withObservations(
      { fleet, io },
      async (store) =>
        await sweepNodes(client, ids, { store, clock, signal, timeoutMs, firstLook: look, asked: askedOf(fleet) }),
    ).finally(close);
    return {
      data: { nodes: sweepRows(results) },
      exitCode: exitCodeOf(results.map(verdictOnSweep)),
      text: (ui) => sweepText(results, ui),
    };
  }
}
