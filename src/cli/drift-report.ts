import type { GroupBy } from '../drift/fold.js';
import type { FailOn } from '../operations/drift/report.js';
import type { CommandResult } from './base.js';
import { maxAgeOf } from './drift-flags.js';
import type { DriftAround } from './drift-sources.js';
import { withDriftSources } from './drift-sources.js';
import { withJournal, findRun } from './journal.js';

/** What `edgectl drift report` was called with. */
export interface DriftReportFlags {
  on?: string | undefined;
  cached: boolean;
  live: boolean;
  'max-age'?: string | undefined;
  since?: string | undefined;
  'group-by': string;
  'detailed-exitcode': boolean;
  'fail-on'?: string | undefined;
  report?: readonly string[] | undefined;
}

const dayMs = 24 * 60 * 60 * 1000;

/** The whole of `edgectl drift report`: look, compare, write the files, say how it ended. */
export async function runDriftReport(
  flags: DriftReportFlags,
  around: DriftAround & { tool: { name: string; version: string } },
): Promise<CommandResult> {
  const [
    { driftReport, failsOn },
    { driftFiles, writeDriftFiles },
    { renderDrift },
    { exitCodeOf },
    { strongestExit },
  ] = await Promise.all([
    import('../operations/drift/report.js'),
    import('../render/drift/files.js'),
    import('../render/drift/text.js'),
    import('../node/exit-code.js'),
    import('../plan/states.js'),
  ]);
  const { fleet, clock, io } = around;
  const files = driftFiles(flags.report ?? [], io.cwd);
  const maxAgeMs = maxAgeOf(flags);
  const since = flags.since === undefined ? undefined : await sinceOf(flags.since, around);
  const failOn = flags['fail-on'] as FailOn | undefined;
  const yesterday = new Date(clock.now() - dayMs).toISOString();
  const request = {
    ...(flags.on === undefined ? {} : { on: flags.on }),
    groupBy: flags['group-by'] as GroupBy,
    ...(since === undefined ? {} : { since }),
    ...(since === undefined && failOn === 'new' ? { newSince: yesterday } : {}),
  };
  const { selectNodes } = await import('../fleet/select-nodes.js');
  const nodes = selectNodes(fleet, flags.on ?? '').map(({ id }) => id);
  return await withDriftSources(around, { nodes, maxAgeMs }, async (sources, verdicts) => {
    const result = await driftReport(request, sources);
    const { report } = result;
    const reported = { ...result, tool: around.tool };
    await writeDriftFiles(files, report.since === undefined ? without(reported) : reported);
    const codes = [
      exitCodeOf(verdicts),
      // Also those that were asked a moment ago and are not asked again.
      maxAgeMs !== Number.POSITIVE_INFINITY && report.nodes.unknown > 0 ? 3 : 0,
      failOn !== undefined && failsOn(failOn, result) ? 1 : 0,
      flags['detailed-exitcode'] && report.counts.unexpected > 0 ? 2 : 0,
    ];
    return {
      data: report,
      rows: report.findings,
      exitCode: strongestExit(codes),
      text: (ui) => renderDrift(report, ui),
    };
  });
}

/** Without an earlier time nothing can be called new. */
function without<T extends { fresh: unknown }>({ fresh: _fresh, ...rest }: T): Omit<T, 'fresh'> {
  return rest;
}

/** A time, or the beginning of a run. Throws USAGE, RUN_NOT_FOUND. */
async function sinceOf(word: string, { fleet, io, clock }: DriftAround): Promise<{ at: string; run?: string }> {
  const { timeOf } = await import('../operations/drift/since.js');
  const at = timeOf(word, clock.now());
  if (at !== undefined) return { at };
  const run = await withJournal({ fleet, io, clock, lookOnly: true }, async (journal) => await findRun(journal, word));
  return { at: run.startedAt, run: run.id };
}
