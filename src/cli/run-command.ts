import { resolve } from 'node:path';
import type { Command } from '@oclif/core';
import { EdgectlError } from '../errors/error.js';
import type { ExecutionOptions } from '../operations/execute.js';
import type { Surroundings } from '../operations/surroundings.js';
import type { Workbench } from '../operations/workbench.js';
import { strongestExit } from '../plan/states.js';
import type { Plan } from '../plan/types.js';
import type { Reports } from '../render/reports/reports.js';
import { BaseCommand } from './base.js';
import type { ErrorReport } from './error-report.js';
import { runFlags, sharedFlags, sudoFlags } from './flags.js';
import type { CommandResult } from './output.js';
import { sudoPasswordOf, type SudoFlags } from './sudo.js';
import { surroundingsOf } from './surroundings.js';

/** What a command that makes a plan may be asked to do with it. */
export interface ProposalFlags {
  'dry-run'?: boolean;
  out?: string | undefined;
  yes?: boolean;
  'detailed-exitcode'?: boolean;
}

/** Base of the commands that make or carry out a plan: preview, question, execution, summary. */
export abstract class RunCommand<T extends typeof Command> extends BaseCommand<T> {
  static override baseFlags = { ...sharedFlags, ...runFlags, ...sudoFlags };
  #bench: Workbench | undefined;
  #reports: Reports | undefined;

  /** The fleet with everything that works on it; closed when the command ends. */
  protected async bench(): Promise<Workbench> {
    if (this.#bench !== undefined) return this.#bench;
    const fleet = await this.fleet();
    const { openWorkbench } = await import('../operations/workbench.js');
    const { io, signal } = this;
    const sudo = await sudoPasswordOf(this.flags as SudoFlags, { io, signal });
    return (this.#bench = openWorkbench(fleet, this.surroundings, sudo));
  }

  protected get surroundings(): Surroundings {
    const { io, clock, signal, config } = this;
    return surroundingsOf({ io, clock, signal, version: config.version });
  }

  protected override async began(): Promise<void> {
    const { report } = this.flags as { report?: string[] };
    if (report === undefined) return;
    const [{ reportRequest }, { Reports }] = await Promise.all([
      import('../render/reports/request.js'),
      import('../render/reports/reports.js'),
    ]);
    const { env, cwd, stderr } = this.io;
    const randomHex = this.surroundings.randomHex;
    this.#reports = await Reports.open(reportRequest(report), { env, cwd, stderr, randomHex });
  }

  protected override async failed(report: ErrorReport): Promise<void> {
    await this.#reports?.failed({ ...report, command: this.commandName });
  }

  override async finally(): Promise<void> {
    await this.#bench?.close();
    await this.#reports?.close();
    await super.finally();
  }

  /** Fails before any node is contacted when the answer could only be "there is nobody to ask". */
  protected refuseWithoutConsent(flags: ProposalFlags): void {
    if (flags.yes === true || flags['dry-run'] === true || flags.out !== undefined || this.io.isTTY) return;
    throw new EdgectlError('CONFIRMATION_NEEDED', {
      message: 'This would change nodes, and there is no terminal to ask on.',
      hint: 'add --yes, or --dry-run to look first',
    });
  }

  /** Preview, question, execution: or the file, or only the preview. */
  protected async propose(
    plan: Plan,
    flags: ProposalFlags,
    options: { plannedNow: boolean } = { plannedNow: true },
  ): Promise<CommandResult> {
    const preview = await import('../render/preview.js');
    const source = (await this.fleet()).source;
    const show = { now: this.clock.now(), source };
    if (flags.out !== undefined) return await this.#writePlan(plan, flags.out);
    const { planData, planExitCode } = await import('../render/plan-data.js');
    const data = planData(plan);
    if (plan.steps.length === 0 || flags['dry-run'] === true) {
      const exitCode = strongestExit([
        plan.steps.length === 0 ? planExitCode(plan) : 0,
        plan.steps.length > 0 && flags['detailed-exitcode'] === true ? 2 : 0,
      ]);
      return { data, exitCode, runId: plan.id, text: (ui) => preview.renderPreview(plan, ui, show) };
    }
    if (this.forPeople) await this.say((ui) => `${preview.renderPreview(plan, ui, show)}\n`);
    await this.confirm(preview.previewQuestion(plan));
    return await this.carryOut(plan, options);
  }

  /** Runs a plan, or goes on with it, and tells what came of it. */
  protected async carryOut(
    plan: Plan,
    options: Pick<ExecutionOptions, 'retry' | 'plannedNow'> = {},
  ): Promise<CommandResult> {
    const bench = await this.bench();
    const [{ executePlan }, { createRunReporter }, summary, { reportedRun }] = await Promise.all([
      import('../operations/execute.js'),
      import('../render/reporter.js'),
      import('../render/summary.js'),
      import('../render/reports/reported-run.js'),
    ]);
    const reporter = createRunReporter({
      stderr: this.io.stderr,
      stdout: this.io.stdout,
      redraw: this.io.stderrIsTTY,
      format: this.format,
      ui: await this.ui('stderr'),
      clock: this.clock,
    });
    try {
      const result = await executePlan(plan, bench, { sink: reporter.sink, controls: this.signals, ...options });
      await reporter.close();
      const told = summary.summarise(reporter.view, plan.kind);
      await this.#reports?.ran(
        reportedRun(result, reporter.view, { command: this.commandName, next: told?.next ?? [] }),
      );
      return {
        data: { ...result, ...(told === undefined ? {} : { next: told.next }) },
        rows: this.format === 'ndjson' ? [] : result.nodes,
        exitCode: result.exitCode,
        runId: plan.id,
        text: (ui) => (told === undefined ? result.message : summary.renderSummary(reporter.view, told, ui)),
      };
    } finally {
      await reporter.close();
    }
  }

  async #writePlan(plan: Plan, out: string): Promise<CommandResult> {
    const [{ default: writeFileAtomic }, { serialisePlan }] = await Promise.all([
      import('write-file-atomic'),
      import('../plan/serialise.js'),
    ]);
    const file = resolve(this.io.cwd, out);
    await writeFileAtomic(file, serialisePlan(plan), { mode: 0o600 });
    return {
      data: { file, run: plan.id, digest: plan.digest, nodes: plan.nodes.length, validUntil: plan.validUntil },
      runId: plan.id,
      text: () => `Wrote plan ${plan.id} to ${file}.\nStart it before ${plan.validUntil}:  edgectl apply ${out}`,
    };
  }
}
