import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { cacheAround, cacheFlags } from '../../cli/cache-command.js';

export default class CacheStatus extends BaseCommand<typeof CacheStatus> {
  static override summary = 'Show what the jobs at sites are doing.';
  static override description =
    'One round trip a site; nothing is changed. Ends with 3 when a site could not be asked.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --site berlin --json',
  ];
  static override flags = { site: cacheFlags.site, for: cacheFlags.for };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { io, clock, signal, flags } = this;
    const [{ cacheJobs }, { openNodes }, { cacheJobsText }] = await Promise.all([
      import('../../operations/cache-look.js'),
      import('../../node/open.js'),
      import('../../render/cache-look.js'),
    ]);
    const { client, close } = openNodes(fleet, { env: io.env });
    const request = { sites: flags.site ?? [], forRollout: flags.for === 'rollout' };
    const { sites, exitCode } = await cacheJobs(fleet, client, request, cacheAround({ io, clock, signal })).finally(
      close,
    );
    return { data: { sites }, exitCode, text: (ui) => cacheJobsText(sites, ui) };
  }
}
