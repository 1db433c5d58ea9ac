import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class FleetSelect extends BaseCommand<typeof FleetSelect> {
  static override summary = 'Show which nodes a selector means, and why.';
  static override description =
    'Each node comes with the terms that decide, what was found on it, and for facts and run states how long ago that was seen. Contacts no node.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> "site=berlin and not gw-*"',
    '<%= config.bin %> <%= command.id %> "runtime.containerd<2.1 and not offline" -o name',
    '<%= config.bin %> <%= command.id %> "10% of role=pos" --rejected',
  ];
  static override args = { selector: Args.string({ required: true, description: 'The selector.' }) };
  static override flags = {
    rejected: Flags.boolean({ summary: 'Also the nodes that it does not mean, and why not.' }),
  };

  protected override selectors(): string[] {
    return [this.args.selector];
  }

  protected async execute(): Promise<CommandResult> {
    const [{ parseSelector }, { selectNodes }, { explainSelector, unknownNodes }, { age }] = await Promise.all([
      import('../../fleet/selector.js'),
      import('../../fleet/select-nodes.js'),
      import('../../fleet/explain-selector.js'),
      import('../../render/units.js'),
    ]);
    const { selector: text } = this.args;
    const selector = parseSelector(text);
    const fleet = await this.fleet();
    const chosen = selectNodes(fleet, selector);
    const all = explainSelector(text, selector, fleet);
    const shown = all.filter(({ match }) => match === 'yes' || this.flags.rejected);
    const rows = shown.map(({ node, match, because }) => ({ id: node.id, match, because }));
    const now = this.clock.now();
    return {
      data: { selector: text, matched: chosen.length, unknown: unknownNodes(all), nodes: rows },
      rows,
      text: (ui) => {
        const cells = rows.map(({ id, match, because }) => [
          id,
          ...(this.flags.rejected ? [match] : []),
          because.map(({ term }) => term).join(', '),
          because
            .map(({ found, at }) => (at === undefined ? found : `${found} (${age(now - Date.parse(at))})`))
            .join(', '),
        ]);
        const total = `${fleet.name} · ${chosen.length} of ${fleet.nodes.length} nodes`;
        const titles = ['node', ...(this.flags.rejected ? ['meant'] : []), 'because of', 'found'];
        return cells.length === 0 ? total : `${ui.table(titles, cells)}\n\n${total}`;
      },
    };
  }
}
