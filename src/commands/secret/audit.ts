import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { SecretCommand } from '../../cli/secret-command.js';

export default class SecretAudit extends SecretCommand<typeof SecretAudit> {
  static override summary = 'Read what nodes wrote down about their secrets, and check that nobody rewrote it.';
  static override description =
    'Each line of a node’s audit file names the digest of the one before. How far it was seen is kept in audit/NODE.json: commit it, and a file that was cut or rewritten later ends with 1. Names and generations, never values.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> pos-001',
    '<%= config.bin %> <%= command.id %> --on site=genoa --json',
  ];
  static override args = {
    node: Args.string({ multiple: true, description: 'Nodes or patterns; every one when absent.' }),
  };
  static override flags = {
    on: Flags.string({ helpValue: 'SELECTOR', summary: 'Nodes that this selector matches.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const bench = await this.bench();
    const { chosenNodes } = await import('../../node/chosen-nodes.js');
    const { auditNodes } = await import('../../operations/secrets/audit-nodes.js');
    const { exitCodeOf } = await import('../../node/exit-code.js');
    const { auditText } = await import('../../render/secrets.js');
    const nodes = chosenNodes(bench.fleet, { names: this.args.node ?? [], on: this.flags.on, emptyMeansAll: true });
    const ends = await auditNodes(bench, nodes);
    return {
      data: { nodes: ends },
      rows: ends.map((end) => ({ id: end.node, ...end })),
      exitCode: exitCodeOf(ends.map((end) => end.verdict)),
      text: (ui) => auditText(ends, ui),
    };
  }
}
