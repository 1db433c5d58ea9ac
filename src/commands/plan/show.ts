import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { findRun, withJournal } from '../../cli/journal.js';
import { EdgectlError } from '../../errors/error.js';
import { parsePlanFile } from '../../plan/serialise.js';
import type { Plan } from '../../plan/types.js';
import { renderPreview } from '../../render/preview.js';

export default class PlanShow extends BaseCommand<typeof PlanShow> {
  static override summary = 'Show a plan: of a file, or of a run in the journal.';
  static override description =
    'A file’s digest and form are checked before anything is shown; its signature is checked by each node, and by edgectl apply.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> plan.json',
    '<%= config.bin %> <%= command.id %> last',
    '<%= config.bin %> <%= command.id %> plan.json -o json',
  ];
  static override args = { plan: Args.string({ required: true, description: 'Plan file, run id, or last.' }) };

  protected async execute(): Promise<CommandResult> {
    const plan = await this.#plan(this.args.plan);
    const now = this.clock.now();
    return {
      data: plan,
      runId: plan.id,
      rows: plan.nodes,
      text: (ui) => `${renderPreview(plan, ui, { now })}\n\n  digest    ${plan.digest}`,
    };
  }

  async #plan(word: string): Promise<Plan> {
    const content = await readFile(resolve(this.io.cwd, word)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new EdgectlError('PLAN_INVALID', {
        message: `${word} cannot be read: ${error.code ?? error.message}.`,
        cause: error,
      });
    });
    if (content !== undefined) return parsePlanFile(content);
    if (!/^(?:last|[0-9A-Za-z]{4,26})$/.test(word))
      throw new EdgectlError('PLAN_INVALID', { message: `There is no file ${word}.` });
    const { io, clock } = this;
    return await withJournal({ fleet: await this.fleet(), io, clock, lookOnly: true }, async (journal) => {
      const run = await findRun(journal, word);
      const plan = await journal.runs.plan(run.id);
      if (!plan) throw new EdgectlError('RUN_NOT_FOUND', { message: `The journal has no plan of run ${run.id}.` });
      return plan;
    });
  }
}
