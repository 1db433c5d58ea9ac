import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { SecretCommand } from '../../cli/secret-command.js';

export default class SecretPush extends SecretCommand<typeof SecretPush> {
  static override changing = true;
  static override summary = 'Deliver secrets to the nodes that can be reached; again later for the rest.';
  static override description =
    'A node takes in what it does not have, opens it once, lets go of what it replaces, and counts its TPM’s counter up so that the older generations never open again. Ends with 3 when nodes were out of reach: they keep what they have, and the same command delivers the rest later. Nothing is repeated on a node that has everything.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --all --yes',
    '<%= config.bin %> <%= command.id %> --on site=genoa',
    '<%= config.bin %> <%= command.id %> pos-001',
  ];
  static override args = { node: Args.string({ multiple: true, description: 'Nodes or patterns.' }) };
  static override flags = {
    all: Flags.boolean({ summary: 'Every node that has secrets.' }),
    on: Flags.string({ helpValue: 'SELECTOR', summary: 'Nodes that this selector matches.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const bench = await this.bench();
    const { chosenNodes } = await import('../../node/chosen-nodes.js');
    const { pushSecrets, pushVerdicts } = await import('../../operations/secrets/push-secrets.js');
    const { pushText } = await import('../../render/secrets.js');
    const { exitCodeOf } = await import('../../node/exit-code.js');
    const { all, on } = this.flags;
    const nodes = chosenNodes(bench.fleet, { names: this.args.node ?? [], on, all, emptyMeansAll: false });
    if (nodes.length > 1) await this.confirm(`Deliver secrets to up to ${nodes.length} nodes?`);
    const ends = await pushSecrets(bench, nodes);
    return {
      data: { nodes: ends },
      rows: ends.map((end) => ({ id: end.node, ...end })),
      exitCode: exitCodeOf(pushVerdicts(ends)),
      text: (ui) => pushText(ends, ui),
    };
  }
}
