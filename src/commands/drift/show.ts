import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { freshnessFlags, maxAgeOf } from '../../cli/drift-flags.js';
import { withDriftSources } from '../../cli/drift-sources.js';

export default class DriftShow extends BaseCommand<typeof DriftShow> {
  static override summary = 'Say what differs on one node, and what was seen of it.';
  static override description =
    'Every finding of the node, also what is expected and what was last known of a node that does not answer, with where it is written; then its attributes that match. The node is only read.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> edge-001',
    '<%= config.bin %> <%= command.id %> edge-001 --attributes "runtime.*,sysctl.*"',
    '<%= config.bin %> <%= command.id %> edge-001 --cached --json',
  ];
  static override args = { node: Args.string({ required: true, description: 'The node.' }) };
  static override flags = {
    attributes: Flags.string({
      helpValue: 'GLOB,…',
      default: '',
      summary: 'Also attributes that match; "*" for all of them.',
    }),
    ...freshnessFlags,
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const [{ nodeOf }, { showNode }, { renderShownNode }, { exitCodeOf }] = await Promise.all([
      import('../../node/target.js'),
      import('../../operations/drift/show-node.js'),
      import('../../render/drift/show.js'),
      import('../../node/exit-code.js'),
    ]);
    const node = nodeOf(fleet, this.args.node);
    const globs = this.flags.attributes.split(',').filter((glob) => glob !== '');
    const { io, clock, signal } = this;
    const say = async (text: string): Promise<void> => await this.say(text);
    const how = { nodes: [node.id], maxAgeMs: maxAgeOf(this.flags) };
    return await withDriftSources({ fleet, io, clock, signal, say }, how, async (sources, verdicts) => {
      const shown = await showNode(node, globs, sources);
      return { data: shown, exitCode: exitCodeOf(verdicts), text: (ui) => renderShownNode(shown, ui) };
    });
  }
}
