import { resolve } from 'node:path';
import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { RunCommand } from '../../cli/run-command.js';

export default class JournalRebuild extends RunCommand<typeof JournalRebuild> {
  static override summary = 'Write the journal of a run again from its plan file and from what the nodes say.';
  static override description =
    'Nodes keep the slices, attempts and verdicts of their runs; the journal here is a cache of them. A damaged journal is put aside, never deleted.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> plan.json',
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> plan.json --json',
  ];
  static override args = {
    file: Args.string({ description: 'The plan of the run, written with --out.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const bench = await this.bench();
    const [{ readPlanFile }, { rebuildJournal, renewJournal }] = await Promise.all([
      import('../../operations/plan-file.js'),
      import('../../operations/rebuild-journal.js'),
    ]);
    const { file } = this.args;
    if (file === undefined) return renewed(await renewJournal(bench));
    const plan = await readPlanFile(resolve(this.io.cwd, file));
    const { rebuilt, setAside } = await rebuildJournal(plan, bench);
    const rows = rebuilt.nodes.map(({ node, outcome }) => ({ node, state: outcome.state, message: outcome.message }));
    return {
      data: { run: plan.id, known: rebuilt.known, unreachable: rebuilt.unreachable, setAside, nodes: rows },
      rows,
      exitCode: rebuilt.unreachable > 0 ? 3 : 0,
      runId: plan.id,
      text: (ui) => {
        const aside = setAside.map(kept);
        const table = ui.table(
          ['node', 'state', 'message'],
          rows.map((row) => [row.node, row.state, row.message]),
        );
        const next =
          rebuilt.known > 0
            ? `Go on with it:  edgectl resume ${plan.id}`
            : `No node knows this run yet:  edgectl apply ${file}`;
        return [...aside, table, '', next].join('\n');
      },
    };
  }
}

const kept = (file: string): string => `The damaged journal is kept as ${file}.`;

function renewed(setAside: string[]): CommandResult {
  const what = setAside.length > 0 ? setAside.map(kept) : ['The journal is sound; nothing was done.'];
  return {
    data: { setAside },
    text: () => [...what, 'Go on with a run of which you have the plan:  edgectl apply PLAN_FILE'].join('\n'),
  };
}
