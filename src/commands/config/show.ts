import { Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { resolveSettings } from '../../cli/settings.js';

export default class ConfigShow extends BaseCommand<typeof ConfigShow> {
  static override summary = 'Show the settings that hold here, and where each comes from.';
  static override description =
    'Settings are flag values. A flag wins over its EDGECTL_* variable, that over edgectl.yaml in the fleet repository, that over $XDG_CONFIG_HOME/edgectl/config.yaml, and that over the default.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --origin',
    '<%= config.bin %> <%= command.id %> --for "rollout runtime" --json',
  ];
  static override flags = {
    for: Flags.string({ helpValue: 'COMMAND', summary: 'Show the settings of this command too.' }),
    origin: Flags.boolean({ summary: 'Show which file or variable each value comes from.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const settings = await resolveSettings(this.config, {
      io: this.io,
      fleetDir: this.flags.fleet,
      command: this.flags.for,
    });
    const columns = this.flags.origin ? ['setting', 'value', 'origin', 'where'] : ['setting', 'value'];
    return {
      data: { settings },
      text: (ui) =>
        ui.table(
          columns,
          settings.map((one) => [one.name, String(one.value ?? ''), one.origin, one.where].slice(0, columns.length)),
        ),
    };
  }
}
