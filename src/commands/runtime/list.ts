import { Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { EdgectlError } from '../../errors/error.js';

export default class RuntimeList extends BaseCommand<typeof RuntimeList> {
  static override summary = 'List the bundles of the local store, or the drivers.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --drivers',
    '<%= config.bin %> <%= command.id %> -o wide',
  ];
  static override flags = {
    drivers: Flags.boolean({ summary: 'List drivers: the fleet’s and edgectl’s.' }),
  };

  protected async execute(): Promise<CommandResult> {
    return this.flags.drivers ? this.#drivers() : this.#bundles();
  }

  async #bundles(): Promise<CommandResult> {
    const { localStore } = await import('../../bundle/match.js');
    const store = localStore(this.io.env);
    const bundles = (await store.list()).map(({ statement: _text, signature: _armored, ...bundle }) => bundle);
    return {
      data: { store: store.dir, bundles },
      rows: bundles,
      text: (ui) => {
        if (bundles.length === 0) return `No bundles in ${store.dir}. Make one with: edgectl runtime pack`;
        const cells = bundles.map(({ component, version, arch, size, digest }) => {
          return [component, version, arch, `${(size / 1e6).toFixed(1)} MB`, ui.wide ? digest : digest.slice(0, 12)];
        });
        return ui.table(['runtime', 'version', 'arch', 'size', 'digest'], cells);
      },
    };
  }

  async #drivers(): Promise<CommandResult> {
    const { listDrivers } = await import('../../bundle/drivers/load.js');
    const { driverDirs } = await import('../../bundle/places.js');
    // Drivers can be looked at without a fleet.
    const fleet = await this.fleet().catch((error: unknown) => {
      if (error instanceof EdgectlError && error.code === 'CONFIG_NOT_FOUND') return undefined;
      throw error;
    });
    const drivers = (await listDrivers(driverDirs(this.config.root, fleet?.dir))).map(({ driver, file }) => ({
      name: driver.component,
      class: driver.class,
      summary: driver.summary,
      unproven: driver.unproven ?? null,
      own: fleet !== undefined && file.startsWith(`${fleet.dir}/`),
      file,
    }));
    const rows = drivers.map((each) => [
      each.name,
      each.class,
      each.own ? 'this fleet' : 'edgectl',
      each.unproven === null ? '' : 'unproven',
      each.summary,
    ]);
    return {
      data: { drivers },
      rows: drivers,
      text: (ui) => ui.table(['driver', 'class', 'from', '', 'what it is'], rows),
    };
  }
}
