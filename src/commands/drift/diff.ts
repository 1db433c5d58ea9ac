import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { freshnessFlags, maxAgeOf } from '../../cli/drift-flags.js';
import { withDriftSources } from '../../cli/drift-sources.js';

export default class DriftDiff extends BaseCommand<typeof DriftDiff> {
  static override summary = 'Say in what two nodes differ.';
  static override description =
    'Every attribute in which they are not the same, but for what every node has of its own, such as its boot id, and what changes by itself. Nodes are only read.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> edge-001 edge-002',
    '<%= config.bin %> <%= command.id %> edge-001 edge-002 --live --detailed-exitcode',
    '<%= config.bin %> <%= command.id %> edge-001 edge-002 --cached --json',
  ];
  static override args = {
    node: Args.string({ required: true, description: 'A node.' }),
    other: Args.string({ required: true, description: 'Another one.' }),
  };
  static override flags = {
    'detailed-exitcode': Flags.boolean({ summary: 'Exit 2 when they differ.' }),
    ...freshnessFlags,
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const [{ nodeOf }, { differences }, { attributeOf }, { renderDifferences }, { exitCodeOf }, { strongestExit }] =
      await Promise.all([
        import('../../node/target.js'),
        import('../../drift/diff.js'),
        import('../../facts/attributes/table.js'),
        import('../../render/drift/show.js'),
        import('../../node/exit-code.js'),
        import('../../plan/states.js'),
      ]);
    const [a, b] = [nodeOf(fleet, this.args.node).id, nodeOf(fleet, this.args.other).id];
    const { io, clock, signal, flags } = this;
    const say = async (text: string): Promise<void> => await this.say(text);
    const how = { nodes: [a, b], maxAgeMs: maxAgeOf(flags) };
    return await withDriftSources({ fleet, io, clock, signal, say }, how, async ({ source }, verdicts) => {
      const seen = await source.latest({ nodes: [a, b] });
      const own = (name: string): boolean => attributeOf(name)?.own === true || attributeOf(name)?.volatile === true;
      const of = (id: string) => seen.filter(({ node }) => node === id);
      const found = { nodes: [a, b] as const, ...differences(of(a), of(b), own) };
      const code = flags['detailed-exitcode'] && found.differences.length > 0 ? 2 : 0;
      return {
        data: found,
        rows: found.differences,
        exitCode: strongestExit([exitCodeOf(verdicts), code]),
        text: (ui) => renderDifferences(found, ui),
      };
    });
  }
}
