import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { withObservations } from '../../cli/observations.js';
import { EdgectlError } from '../../errors/error.js';
import { nodeOf } from '../../node/target.js';
import { historyText } from '../../render/history.js';

export default class DriftHistory extends BaseCommand<typeof DriftHistory> {
  static override summary = 'Say what an attribute of a node was, since when and until when.';
  static override description =
    'Reads what sweeps have kept; contacts no node. Without an attribute every change of the node. What changes by itself has no history.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> edge-001',
    '<%= config.bin %> <%= command.id %> edge-001 runtime.containerd.version',
    '<%= config.bin %> <%= command.id %> edge-001 kernel.release --json',
  ];
  static override args = {
    node: Args.string({ required: true, description: 'The node.' }),
    attribute: Args.string({ description: 'The attribute by its whole name, or its beginning up to a dot.' }),
  };
  static override flags = {
    limit: Flags.integer({ summary: 'The newest so many.', default: 100, min: 1, max: 1_000_000 }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { node: name, attribute } = this.args;
    const node = nodeOf(fleet, name).id;
    const all = await withObservations({ fleet, io: this.io }, async (store) => await store.history(node));
    const meant = all.filter(
      (one) => attribute === undefined || one.attribute === attribute || one.attribute.startsWith(`${attribute}.`),
    );
    if (meant.length === 0) {
      const what = attribute === undefined ? node : `${attribute} of ${node}`;
      const message = `Nothing was seen of ${what} yet.`;
      throw new EdgectlError('NOT_SEEN', { message, hint: `edgectl drift sweep ${node}` });
    }
    const changes = meant.slice(-this.flags.limit);
    return { data: { changes }, text: (ui) => historyText(changes, meant.length, ui, this.clock.now()) };
  }
}
