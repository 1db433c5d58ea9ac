import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class FleetShow extends BaseCommand<typeof FleetShow> {
  static override summary = 'Show one node: how it is reached, and what it shall run.';
  static override description = 'Reads the fleet repository only; contacts no node.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> pos-berlin-001',
    '<%= config.bin %> <%= command.id %> pos-berlin-001 --json',
  ];
  static override args = { node: Args.string({ required: true, description: 'Name of the node.' }) };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { describeNode } = await import('../../fleet/describe-node.js');
    const shown = describeNode(fleet, this.args.node);
    const { node, site, runtimes } = shown;
    return {
      data: shown,
      rows: [node],
      text: (ui) => {
        const facts: [string, string][] = [
          ['node', node.id],
          ['reached at', `${node.user}@${node.address} port ${node.port}`],
          ['keys', node.identity.length > 0 ? node.identity.join(', ') : 'ssh-agent'],
          ['site', `${node.site} (${node.region})${site?.address === undefined ? '' : `, ${site.address}`}`],
          ['state', node.state],
          ['wariness', String(node.wariness)],
          [
            'labels',
            Object.entries(node.labels)
              .map(([key, value]) => `${key}=${value}`)
              .join(' ') || 'none',
          ],
        ];
        const lines = facts.map(([key, value]) => `${key.padEnd(12)}${value}`);
        if (runtimes.length === 0)
          return [...lines, '', `${fleet.source.split(' ')[0]} asks for nothing here`].join('\n');
        const rows = runtimes.map((runtime) => [
          runtime.component,
          runtime.version,
          runtime.on === '' ? 'every node' : runtime.on,
        ]);
        return [...lines, '', ui.table(['shall run', 'version', 'because of'], rows)].join('\n');
      },
    };
  }
}
