import { until } from './until.js';

/*
 * The crash matrix of the node kit, apart from where the node is: implement MatrixNode for a sandbox, a machine or a
 * machine on a loop image, and run `runRow(node, row)` for every row of `matrixRows`.
 */

/** What is done at a failpoint. */
export type Injection = 'kill' | 'power' | 'power, boot twice';

/** One row: where, what, and what must be afterwards. */
export interface MatrixRow {
  failpoint: number;
  at: string;
  injection: Injection;
  /** Which version is committed in the end. */
  expect: 'old' | 'new' | 'old or new';
  /** States that the transaction may end in; empty when it never began. */
  states: string[];
  /** Its reason, when it did not commit. */
  why?: string;
}

/** What can be seen of a node when the dust has settled. */
export interface Observation {
  /** Committed version; empty when nothing was adopted yet. */
  committed: string;
  active: string;
  /** Version whose daemon runs. */
  running: string;
  state: string;
  why: string;
  denied: number;
  trial: boolean;
  /** What the kit's own doctor finds wrong. */
  faults: string[];
}

/** A node on which the matrix can be run; fresh for each row, with `old` running. */
export interface MatrixNode {
  old: string;
  new: string;
  /** Set a failpoint. */
  failpoint(number: number, mode: 'kill' | 'hold'): Promise<void>;
  /** Has it been reached? */
  hit(): Promise<boolean>;
  /** Carry the update out from the lease to the confirmation; ends, one way or the other, when it is interrupted. */
  drive(): Promise<void>;
  /** Is the durable pointer there right now, leading to a generation (or was none ever made)? Asked at the moment of the cut. */
  pointerResolves(): Promise<boolean>;
  powerCut(): Promise<void>;
  boot(): Promise<void>;
  recoverAgain(): Promise<void>;
  observe(): Promise<Observation>;
  /** Carry the same run out again as a new attempt; the observation afterwards. */
  retry(): Promise<Observation>;
}

const names = [
  'put begins',
  'bytes written',
  'signature verified',
  'unpacked',
  'in the store',
  'generation staged',
  'dead-man armed',
  'switched',
  'trial drop-in',
  'restarted',
  'healthy',
  'verdict',
  'pointer prepared',
  'pointer renamed',
  'synced',
  'journal closed',
  'dead-man stopped',
  'all tidied',
];

/** Every failpoint with every injection (node-kit crash matrix, rows 1 to 6). */
export const matrixRows: MatrixRow[] = names.flatMap((at, index) =>
  (['kill', 'power', 'power, boot twice'] as const).map((injection) => ({
    failpoint: index + 1,
    at,
    injection,
    ...expected(index + 1, injection),
  })),
);

function expected(failpoint: number, injection: Injection): Pick<MatrixRow, 'expect' | 'states' | 'why'> {
  const why = injection === 'kill' ? 'runner-died' : 'power';
  if (failpoint <= 5) return { expect: 'old', states: [''] };
  if (failpoint <= 7) return { expect: 'old', states: ['ABORT'], why };
  if (failpoint <= 13) return { expect: 'old', states: ['REVERTED'], why };
  // Renamed but not synced: a disk may have it or not. Nothing was acknowledged.
  if (failpoint === 14 && injection !== 'kill') return { expect: 'old or new', states: ['REVERTED', 'COMMIT'] };
  return { expect: 'new', states: ['COMMIT'] };
}

/** Run one row; the violations that were found, none when it went as it must. */
export async function runRow(node: MatrixNode, row: MatrixRow): Promise<string[]> {
  const wrong: string[] = [];
  await node.failpoint(row.failpoint, row.injection === 'kill' ? 'kill' : 'hold');
  const driven = node.drive().catch(() => undefined);
  await until(`failpoint ${row.failpoint} is reached`, () => node.hit(), { every: 20 }).catch((error: unknown) =>
    wrong.push(String(error)),
  );
  if (!(await node.pointerResolves())) wrong.push('the committed pointer leads nowhere at the cut');
  if (row.injection !== 'kill') {
    await node.powerCut();
    await driven;
    await node.boot();
  }
  await driven;
  const seen = await node.observe();
  wrong.push(...judge(node, row, seen));
  if (row.injection === 'power, boot twice') {
    await node.recoverAgain();
    const again = await node.observe();
    if (JSON.stringify(again) !== JSON.stringify(seen))
      wrong.push(`recovering twice differs: ${JSON.stringify(again)} after ${JSON.stringify(seen)}`);
  }
  if (wrong.length === 0 && seen.committed !== node.new) {
    const retried = await node.retry();
    if (retried.committed !== node.new || retried.running !== node.new)
      wrong.push(`a retry came to ${JSON.stringify(retried)}`);
  }
  return wrong;
}

function judge(node: MatrixNode, row: MatrixRow, seen: Observation): string[] {
  const wrong: string[] = [];
  const say = (text: string): unknown => wrong.push(`${text} (${JSON.stringify(seen)})`);
  const isNew = seen.committed === node.new;
  if (!isNew && seen.committed !== node.old && seen.committed !== '') say('what is committed is neither old nor new');
  if (row.expect === 'old' && isNew) say('the new version is committed');
  if (row.expect === 'new' && !isNew) say('the new version is not committed');
  if (seen.active !== seen.committed) say('what is active is not what is committed');
  if (seen.running !== (isNew ? node.new : node.old)) say('another version runs than is committed');
  if (!row.states.includes(seen.state)) say(`the step is not ${row.states.join(' or ')}`);
  if (row.why !== undefined && seen.why !== row.why) say(`its reason is not ${row.why}`);
  if (seen.denied > 0) say('an innocent bundle was denied');
  if (seen.trial) say('a trial is left');
  if (seen.faults.length > 0) say('the doctor finds faults');
  return wrong;
}

/** The matrix as a table for the output of a test run. */
export function renderMatrix(title: string, results: readonly { row: MatrixRow; wrong: readonly string[] }[]): string {
  const bad = results.filter(({ wrong }) => wrong.length > 0);
  const lines = names.map((at, index) => {
    const cells = (['kill', 'power', 'power, boot twice'] as const).map((injection) => {
      const result = results.find(({ row }) => row.failpoint === index + 1 && row.injection === injection);
      if (!result) return '-'.padEnd(18);
      return (result.wrong.length === 0 ? result.row.expect : 'WRONG').padEnd(18);
    });
    return `  ${String(index + 1).padStart(2)} ${at.padEnd(20)} ${cells.join('')}`;
  });
  const head = `  fp ${'where'.padEnd(20)} ${['kill -9', 'power cut', 'cut, boot twice'].map((cell) => cell.padEnd(18)).join('')}`;
  return [`${title}: ${results.length - bad.length} of ${results.length} cases survive`, head, ...lines, ''].join('\n');
}
