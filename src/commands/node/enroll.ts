import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { SecretCommand } from '../../cli/secret-command.js';

export default class NodeEnroll extends SecretCommand<typeof NodeEnroll> {
  static override changing = true;
  static override summary = 'Prove that a node’s TPM is genuine, and register it for secrets.';
  static override description =
    'The TPM signs what it booted together with the node’s name and SSH host keys, and proves that it holds the endorsement key whose maker the fleet pins in trust/tpm-ca/. The record goes to enrolled/NODE.json: commit it. What the node booted is approved as the state in which its secrets open. Asked again, it proves itself anew; a lower class than before is refused without a reason.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> pos-001',
    '<%= config.bin %> <%= command.id %> --on site=genoa --pin-ek delivery-note.txt --yes',
    '<%= config.bin %> <%= command.id %> pos-001 --approve',
    '<%= config.bin %> <%= command.id %> pos-007 --software',
  ];
  static override args = { node: Args.string({ multiple: true, description: 'Nodes or patterns.' }) };
  static override flags = {
    on: Flags.string({ helpValue: 'SELECTOR', summary: 'Nodes that this selector matches.' }),
    'pin-ek': Flags.string({
      helpValue: 'FILE',
      summary: 'Lines "NODE SHA256": only exactly these endorsement keys are accepted.',
    }),
    approve: Flags.boolean({
      exclusive: ['pin-ek'],
      summary: 'Take a TPM as it is when no pinned maker vouches for it.',
    }),
    software: Flags.boolean({
      summary: 'A node without a TPM gets a key in a file: its disk is then all that it takes.',
    }),
    pcrs: Flags.string({ default: '7', helpValue: '7,11', summary: 'PCRs that have to stay as they are now.' }),
    'any-boot': Flags.boolean({ summary: 'Open whatever was booted, on this TPM only.' }),
    'lower-class': Flags.string({ helpValue: 'REASON', summary: 'Why a node may prove less than before; is signed.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const bench = await this.bench();
    const { chosenNodes } = await import('../../node/chosen-nodes.js');
    const { enrollNodes } = await import('../../operations/secrets/enroll.js');
    const { parseEkPins } = await import('../../operations/secrets/node-class.js');
    const { parsePcrs } = await import('../../seal/tpm/pcr.js');
    const { exitCodeOf } = await import('../../node/exit-code.js');
    const { enrollText } = await import('../../render/secrets.js');
    const { flags } = this;
    const nodes = chosenNodes(bench.fleet, { names: this.args.node ?? [], on: flags.on, emptyMeansAll: false });
    const file = flags['pin-ek'];
    const pins = file === undefined ? undefined : parseEkPins(await readFile(resolve(this.io.cwd, file), 'utf8'), file);
    if (nodes.length > 1) await this.confirm(`Enroll ${nodes.length} nodes?`);
    const ends = await enrollNodes(bench, nodes, {
      pcrs: parsePcrs(flags.pcrs),
      anyBoot: flags['any-boot'],
      pins,
      approve: flags.approve,
      software: flags.software,
      lower: flags['lower-class'],
    });
    return {
      data: { nodes: ends },
      rows: ends.map((end) => ({ id: end.node, ...end })),
      exitCode: exitCodeOf(ends.map((end) => end.verdict)),
      text: (ui) => enrollText(ends, ui),
    };
  }
}
