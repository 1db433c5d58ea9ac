import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { cacheAround, cacheFlags } from '../../cli/cache-command.js';

export default class CacheWhy extends BaseCommand<typeof CacheWhy> {
  static override summary = 'Say which image a digest belongs to, and which sites have it.';
  static override description = 'Looks through the images that sites want now. Changes nothing.';
  static override examples = ['<%= config.bin %> <%= command.id %> sha256:9c1f4e'];
  static override args = {
    digest: Args.string({ required: true, description: 'A digest, or six of its hexadecimal digits or more.' }),
  };
  static override flags = { ...cacheFlags };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { io, clock, signal, flags } = this;
    const [{ planCache }, { whyOf }, { openNodes }, { cacheWhyText }] = await Promise.all([
      import('../../operations/cache-plan.js'),
      import('../../cache/why.js'),
      import('../../node/open.js'),
      import('../../render/cache-look.js'),
    ]);
    const { client, close } = openNodes(fleet, { env: io.env });
    const request = { sites: flags.site ?? [], forRollout: flags.for === 'rollout' };
    const around = cacheAround({ io, clock, signal, ca: flags.ca });
    const plan = await planCache(fleet, client, request, around).finally(close);
    const reasons = whyOf(plan, this.args.digest);
    return { data: { reasons }, text: (ui) => cacheWhyText(reasons, ui) };
  }
}
