// A child of the kill -9 test: a real executor over a real journal, whose nodes live in its parent.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [sources, journalFile, planFile] = process.argv.slice(2);
const load = async (path) => import(pathToFileURL(join(sources, 'src', path)).href);
const { builtinActions } = await load('actions/registry.js');
const { systemRunClock } = await load('executor/clock.js');
const { Executor } = await load('executor/executor.js');
const { noControls } = await load('executor/types.js');
const { openJournal } = await load('journal/journal.js');
const { parsePlanFile } = await load('plan/serialise.js');

const waiting = new Map();
let next = 0;
process.on('message', ({ id, answer }) => {
  waiting.get(id)?.(answer);
  waiting.delete(id);
});
const ask = async (message) =>
  new Promise((resolve) => {
    const id = (next += 1);
    waiting.set(id, resolve);
    process.send({ id, ...message });
  });

const plan = parsePlanFile(readFileSync(planFile));
const bundle = { statement: 'STATEMENT', signature: 'SIGNATURE', size: plan.changes[0].to.size };
const journal = await openJournal({ file: journalFile, now: () => Date.now() });
const result = await new Executor(plan, {
  journal,
  kit: { call: async (node, call) => ask({ kind: 'call', node, call }) },
  registry: builtinActions(),
  clock: systemRunClock,
  randomHex: (bytes) => randomBytes(bytes).toString('hex'),
  controls: noControls,
  bundles: { [plan.changes[0].to.digest]: bundle },
  sink: () => {},
  owner: { owner: 'ana', host: 'laptop' },
  boundary: async (point, at) => ask({ kind: 'boundary', point, at }),
}).run();
await journal.close();
process.send({ kind: 'result', state: result.state, exitCode: result.exitCode }, () => process.disconnect());
