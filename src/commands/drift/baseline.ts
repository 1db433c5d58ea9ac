import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { freshnessFlags, maxAgeOf } from '../../cli/drift-flags.js';
import { withDriftSources } from '../../cli/drift-sources.js';

export default class DriftBaseline extends BaseCommand<typeof DriftBaseline> {
  static override summary = 'Write what is there as desired state, for a person to edit.';
  static override description =
    'One entry for desired.yaml with the sysctls, kernel parameters, files, units and packages that are the same on every node that is meant; what differs stands in comments. Nodes are only read, and no file of the fleet repository is changed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> edge-001',
    '<%= config.bin %> <%= command.id %> "role=pos and site=berlin" --out state/berlin.yaml',
    '<%= config.bin %> <%= command.id %> edge-001 --cached --json',
  ];
  static override args = { selector: Args.string({ required: true, description: 'A node, or a selector.' }) };
  static override flags = {
    out: Flags.string({ helpValue: 'FILE', summary: 'Write to a new file instead of standard output.' }),
    ...freshnessFlags,
  };

  protected override selectors(): string[] {
    return [this.args.selector];
  }

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const [{ writeBaseline }, { exitCodeOf }] = await Promise.all([
      import('../../operations/drift/baseline.js'),
      import('../../node/exit-code.js'),
    ]);
    const { io, clock, signal, flags } = this;
    const on = this.args.selector;
    const say = async (text: string): Promise<void> => await this.say(text);
    const { chosenNodes } = await import('../../node/chosen-nodes.js');
    const nodes = chosenNodes(fleet, { names: [], on, emptyMeansAll: false }).map(({ id }) => id);
    const how = { nodes, maxAgeMs: maxAgeOf(flags) };
    return await withDriftSources({ fleet, io, clock, signal, say }, how, async (sources, verdicts) => {
      const { yaml, file, unseen } = await writeBaseline({ on, nodes, out: flags.out, cwd: io.cwd }, sources);
      if (unseen.length > 0) await this.say((ui) => `Nothing is known of ${ui.fold(unseen)}; left out.`);
      return {
        data: { nodes, unseen, ...(file === undefined ? { yaml } : { file }) },
        exitCode: exitCodeOf(verdicts),
        text: () => (file === undefined ? yaml : `Wrote ${file}`),
      };
    });
  }
}
