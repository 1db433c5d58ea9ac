import { Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { cacheAround, cacheFlags } from '../../cli/cache-command.js';

export default class CacheVerify extends BaseCommand<typeof CacheVerify> {
  static override summary = 'Check that the registries of sites have everything that they shall have.';
  static override description =
    'Every manifest, blob and tag is asked for. With --deep each site reads every blob back from its own registry and hashes it; ' +
    'none of that goes over the line. Ends with 1 when something is missing or wrong.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --deep --site berlin',
  ];
  static override flags = { ...cacheFlags, deep: Flags.boolean({ summary: 'Hash the bytes at the sites.' }) };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { io, clock, signal, flags } = this;
    const [{ verifyCache }, { openNodes }, { cacheVerifyText }] = await Promise.all([
      import('../../operations/cache-look.js'),
      import('../../node/open.js'),
      import('../../render/cache-look.js'),
    ]);
    const { client, close } = openNodes(fleet, { env: io.env });
    const request = { sites: flags.site ?? [], forRollout: flags.for === 'rollout', deep: flags.deep };
    const around = cacheAround({ io, clock, signal, ca: flags.ca });
    const { sites, exitCode } = await verifyCache(fleet, client, request, around).finally(close);
    return { data: { sites }, exitCode, text: (ui) => cacheVerifyText(sites, ui) };
  }
}
