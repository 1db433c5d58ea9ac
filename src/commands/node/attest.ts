import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { SecretCommand } from '../../cli/secret-command.js';

export default class NodeAttest extends SecretCommand<typeof NodeAttest> {
  static override summary = 'Have TPMs sign again what nodes booted, and compare it with their records.';
  static override description =
    'Ends with 2 when a node booted something else than what was approved: its secrets stay closed after that boot. With --approve that state is approved as well, and the secrets open again without being sent.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> pos-001 --approve --yes',
  ];
  static override changing = true;
  static override args = {
    node: Args.string({ multiple: true, description: 'Nodes or patterns; every enrolled one when absent.' }),
  };
  static override flags = {
    on: Flags.string({ helpValue: 'SELECTOR', summary: 'Nodes that this selector matches.' }),
    approve: Flags.boolean({ summary: 'Approve what these nodes booted now.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const bench = await this.bench();
    const { chosenNodes } = await import('../../node/chosen-nodes.js');
    const { attestNodes } = await import('../../operations/secrets/attest-nodes.js');
    const { exitCodeOf } = await import('../../node/exit-code.js');
    const { attestText } = await import('../../render/secrets.js');
    const names = this.args.node ?? [];
    const { approve, on } = this.flags;
    const nodes = chosenNodes(bench.fleet, { names, on, emptyMeansAll: !approve });
    if (approve) await this.confirm(`Approve what ${nodes.length} nodes booted?`);
    const ends = await attestNodes(bench, nodes, { approve });
    const verdict = exitCodeOf(ends.map((end) => end.verdict));
    const drifted = ends.some((end) => (end.changed?.length ?? 0) > 0 && end.approved !== true);
    return {
      data: { nodes: ends },
      rows: ends.map((end) => ({ id: end.node, ...end })),
      exitCode: verdict === 0 && drifted ? 2 : verdict,
      text: (ui) => attestText(ends, ui),
    };
  }
}
