import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { cacheAround, cacheFlags } from '../../cli/cache-command.js';
import { parseDuration } from '../../fleet/schema/scalars.js';
import { EdgectlError } from '../../errors/error.js';

export default class CacheFill extends BaseCommand<typeof CacheFill> {
  static override summary = 'Bring what is missing to the registries of sites, also while this computer is away.';
  static override description =
    'Starts a job at each site and watches it. The job goes on by itself, keeps to the rate, the windows and the bytes of the month, ' +
    'and tags last. Run again, it attaches to what runs already and goes on where something ended. Ctrl-C ends the watching only.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> cache.json --yes --detach',
    '<%= config.bin %> <%= command.id %> --site berlin --for rollout',
  ];
  static override changing = true;
  static override args = {
    plan: Args.string({ description: 'A file of `cache plan --out`; a plan is made now when absent.' }),
  };
  static override flags = {
    ...cacheFlags,
    detach: Flags.boolean({ summary: 'Start the jobs and end.' }),
    'at-once': Flags.integer({ summary: 'Sites started and watched at once.', default: 256, min: 1, max: 1000 }),
    patience: Flags.string({
      helpValue: 'DURATION',
      default: '6h',
      summary: 'How long a job goes on trying when nothing comes.',
    }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { io, clock, signal, flags } = this;
    const patience = parseDuration(flags.patience);
    if (patience === undefined) throw new EdgectlError('USAGE', { message: `“${flags.patience}” is no duration.` });
    const [{ fillForFleet }, { openNodes }, { cacheFillText, cachePlanText, fillLine }] = await Promise.all([
      import('../../operations/cache-fill-command.js'),
      import('../../node/open.js'),
      import('../../render/cache.js'),
    ]);
    const leave = new AbortController();
    const { client, close } = openNodes(fleet, { env: io.env });
    const filled = await fillForFleet(fleet, client, {
      ...{ sites: flags.site ?? [], forRollout: flags.for === 'rollout', file: this.args.plan, cwd: io.cwd },
      ...{ atOnce: flags['at-once'], detach: flags.detach, leave: leave.signal },
      manner: { patience: Math.ceil(patience / 1000), backoff: 1 },
      around: cacheAround({ io, clock, signal, ca: flags.ca }),
      agree: async (plan, question) => {
        await this.say((ui) => `${cachePlanText(plan, ui)}\n`);
        await this.confirm(question);
        this.signals.onDrain(() => leave.abort());
      },
      onLine: (line) => void this.say((ui) => fillLine(line, ui)),
    }).finally(close);
    const { exitCode } = this.controller;
    return {
      data: { sites: filled.sites },
      exitCode: leave.signal.aborted ? (exitCode ?? 130) : filled.exitCode,
      text: (ui) => cacheFillText(filled.sites, ui),
    };
  }
}
