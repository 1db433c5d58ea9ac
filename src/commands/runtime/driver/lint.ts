import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Args } from '@oclif/core';
import type { CommandResult } from '../../../cli/base.js';
import { BaseCommand } from '../../../cli/base.js';
import { EdgectlError } from '../../../errors/error.js';

export default class RuntimeDriverLint extends BaseCommand<typeof RuntimeDriverLint> {
  static override summary = 'Check a runtime driver, or every one that this fleet uses.';
  static override description =
    'Every mistake is told with file, line and column (exit 64). Without a file: those in drivers/ of the fleet repository, and edgectl’s own that they do not replace.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> drivers/podman.yaml',
    '<%= config.bin %> <%= command.id %>',
  ];
  static override args = { file: Args.string({ description: 'A driver file.' }) };

  protected async execute(): Promise<CommandResult> {
    const { listDrivers, parseDriver } = await import('../../../bundle/drivers/load.js');
    const { driverDirs } = await import('../../../bundle/places.js');
    const { file } = this.args;
    const drivers =
      file === undefined
        ? await listDrivers(driverDirs(this.config.root, (await this.fleet()).dir))
        : [{ file, driver: parseDriver(await this.#text(file), file) }];
    const rows = drivers.map(({ file: path, driver }) => ({
      driver: driver.component,
      class: driver.class,
      file: path,
      unproven: driver.unproven ?? null,
    }));
    return {
      data: { drivers: rows },
      rows,
      text: (ui) =>
        ui.table(
          ['driver', 'class', '', 'file'],
          rows.map((row) => [row.driver, row.class, row.unproven === null ? 'ok' : 'ok, unproven', row.file]),
        ),
    };
  }

  async #text(file: string): Promise<string> {
    return await readFile(resolve(this.io.cwd, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new EdgectlError('USAGE', { message: `${file} cannot be read: ${error.code ?? error.message}.` });
    });
  }
}
