import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { sudoFlags } from '../../cli/flags.js';
import { sudoPasswordOf } from '../../cli/sudo.js';

export default class NodeFacts extends BaseCommand<typeof NodeFacts> {
  static override summary = 'Read what nodes are: system, architecture, init, disk, runtimes.';
  static override description =
    'One round trip a node, all at once; nothing is changed. A node without the kit is asked by a script that needs no privilege. Nodes that look alike share a row.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> edge-001 -o yaml',
    '<%= config.bin %> <%= command.id %> --on site=berlin --json',
  ];
  static override args = { node: Args.string({ multiple: true, description: 'Nodes or patterns; all when absent.' }) };
  static override flags = {
    on: Flags.string({ summary: 'Only nodes that this selector matches.', helpValue: 'SELECTOR' }),
    timeout: Flags.integer({ summary: 'Seconds for each node’s answer.', default: 30, min: 1, max: 3600 }),
    ...sudoFlags,
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { chosenNodes } = await import('../../node/chosen-nodes.js');
    const { openNodes } = await import('../../node/open.js');
    const { firstContact } = await import('../../node/first-contact.js');
    const { collectFacts } = await import('../../facts/collect.js');
    const { verdictOnFacts } = await import('../../facts/verdict.js');
    const { exitCodeOf } = await import('../../node/exit-code.js');
    const { factsText } = await import('../../facts/text.js');
    const nodes = chosenNodes(fleet, { names: this.args.node ?? [], on: this.flags.on, emptyMeansAll: true });
    const sudo = await sudoPasswordOf(this.flags, { io: this.io, signal: this.signal });
    const { client, close } = openNodes(fleet, { env: this.io.env, sudo });
    const { signal, clock } = this;
    const components = [...new Set([...fleet.runtimes.map(({ component }) => component), 'containerd', 'runc'])];
    const timeoutMs = this.flags.timeout * 1000;
    const ask = firstContact(client, { timeoutMs, components, signal });
    const ids = nodes.map((node) => node.id);
    const results = await collectFacts(client, ids, {
      clock,
      signal,
      timeoutMs,
      components,
      firstContact: ask,
    }).finally(close);
    await (
      await this.remembering(fleet)
    )(results);
    const rows = results.map((result) =>
      result.ok ? { id: result.node, ...result.facts } : { id: result.node, why: result.why, message: result.message },
    );
    return {
      data: { nodes: rows },
      rows,
      exitCode: exitCodeOf(results.map(verdictOnFacts)),
      text: (ui) => factsText(results, ui),
    };
  }
}
