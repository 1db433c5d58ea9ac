import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { SecretCommand } from '../../cli/secret-command.js';

export default class SecretVerify extends SecretCommand<typeof SecretVerify> {
  static override summary = 'Have nodes open what they have, to nowhere: the proof that it opens at the next boot.';
  static override description =
    'Changes nothing on the nodes. What they say is kept in deliveries/ for `secret list`. Ends with 1 when a secret does not open.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --on site=genoa --json',
  ];
  static override args = {
    node: Args.string({ multiple: true, description: 'Nodes or patterns; all with secrets when absent.' }),
  };
  static override flags = {
    on: Flags.string({ helpValue: 'SELECTOR', summary: 'Nodes that this selector matches.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const bench = await this.bench();
    const { chosenNodes } = await import('../../node/chosen-nodes.js');
    const { assignments, pushVerdicts, verifySecrets } = await import('../../operations/secrets/push-secrets.js');
    const { SecretStore } = await import('../../secrets/store.js');
    const { pushText } = await import('../../render/secrets.js');
    const { exitCodeOf } = await import('../../node/exit-code.js');
    const nodes = chosenNodes(bench.fleet, { names: this.args.node ?? [], on: this.flags.on, emptyMeansAll: true });
    const due = await assignments(new SecretStore(bench.fleet.dir));
    const ends = await verifySecrets(
      bench,
      nodes.filter((node) => due.has(node.id)),
    );
    return {
      data: { nodes: ends },
      rows: ends.map((end) => ({ id: end.node, ...end })),
      exitCode: exitCodeOf(pushVerdicts(ends)),
      text: (ui) => pushText(ends, ui),
    };
  }
}
