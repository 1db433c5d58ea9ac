import { Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class FleetList extends BaseCommand<typeof FleetList> {
  static override summary = 'List the nodes of the fleet.';
  static override description =
    'Reads the fleet repository only; contacts no node. Retired nodes are shown when the selector speaks of state.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --on "site=berlin and not gw-*"',
    '<%= config.bin %> <%= command.id %> --on "state in (drained, retired)" -o wide',
    '<%= config.bin %> <%= command.id %> --on role=pos -o name',
  ];
  static override flags = {
    on: Flags.string({ summary: 'Only nodes that this selector matches.', helpValue: 'SELECTOR' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { selectNodes } = await import('../../fleet/select-nodes.js');
    const nodes = selectNodes(fleet, this.flags.on ?? '');
    const labelsOf = (labels: Readonly<Record<string, string>>): string =>
      Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(' ');
    return {
      data: { fleet: { id: fleet.id, name: fleet.name }, nodes },
      rows: nodes,
      text: (ui) => {
        const count = `${fleet.name} · ${nodes.length} of ${fleet.nodes.length} nodes`;
        if (nodes.length === 0) return `${count}; nothing to list`;
        const columns = [
          'node',
          'address',
          { title: 'port', align: 'right' as const, wide: true },
          { title: 'user', wide: true },
          'site',
          'region',
          'state',
          { title: 'wariness', align: 'right' as const, wide: true },
          { title: 'labels', shrink: true },
        ];
        const rows = nodes.map((node) => [
          node.id,
          node.address,
          node.port,
          node.user,
          node.site,
          node.region,
          node.state === 'in-service' ? node.state : { text: node.state, tone: 'warn' as const },
          node.wariness,
          labelsOf(node.labels),
        ]);
        return `${ui.table(columns, rows)}\n\n${count}`;
      },
    };
  }
}
