import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { cacheAround, cacheFlags, parseDeadline } from '../../cli/cache-command.js';

export default class CachePlan extends BaseCommand<typeof CachePlan> {
  static override summary = 'Say which bytes the registries of sites lack, and when they can be there.';
  static override description =
    'Tags are resolved once; each site is asked in one SSH round trip to its lead node. Changes nothing. ' +
    'Ends with 1 when a site cannot be filled or not in time, with 3 when sites could not be reached.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --for rollout --deadline 2026-11-30T06:00+01:00',
    '<%= config.bin %> <%= command.id %> --site berlin --out cache.json',
  ];
  static override flags = {
    ...cacheFlags,
    deadline: Flags.string({ helpValue: 'TIME', summary: 'When it has to be there: 12h, or a time with its zone.' }),
    out: Flags.string({ helpValue: 'FILE', summary: 'Write the plan to a file for `cache fill`.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { io, clock, signal, flags } = this;
    const [{ planCache, cachePlanExitCode }, { openNodes }, { cachePlanText }, { cachePlanData, writeCachePlan }] =
      await Promise.all([
        import('../../operations/cache-plan.js'),
        import('../../node/open.js'),
        import('../../render/cache.js'),
        import('../../cache/plan-file.js'),
      ]);
    const deadline = parseDeadline(flags.deadline, clock.now());
    const request = { sites: flags.site ?? [], forRollout: flags.for === 'rollout', deadline };
    const { client, close } = openNodes(fleet, { env: io.env });
    const around = cacheAround({ io, clock, signal, ca: flags.ca });
    const plan = await planCache(fleet, client, request, around).finally(close);
    const file = flags.out === undefined ? undefined : resolve(io.cwd, flags.out);
    if (file !== undefined) await writeFile(file, writeCachePlan(plan));
    const { images: _, ...data } = cachePlanData(plan);
    return {
      data: { ...data, images: plan.images.map(({ name, root }) => ({ name, root })) },
      rows: plan.sites,
      exitCode: cachePlanExitCode(plan),
      text: (ui) =>
        cachePlanText(plan, ui) + (file === undefined ? '' : `\nTo carry it out: edgectl cache fill ${file}`),
    };
  }
}
