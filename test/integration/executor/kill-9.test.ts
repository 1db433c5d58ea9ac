import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemRunClock } from '../../../src/executor/clock.js';
import type { KitCall } from '../../../src/node/types.js';
import { sealPlan, serialisePlan } from '../../../src/plan/serialise.js';
import type { Plan } from '../../../src/plan/types.js';
import { FakeKit } from '../../helpers/fake-kit.js';
import { makePlan, NEW, OLD } from '../../helpers/make-plan.js';
import { transpileSources } from '../../helpers/transpile.js';

type Message =
  | { kind: 'call'; id: number; node: string; call: KitCall }
  | { kind: 'boundary'; id: number; point: string; at: { node: string; action: string } }
  | { kind: 'result'; state: string; exitCode: number };

const child = fileURLToPath(new URL('./doomed-operator.mjs', import.meta.url));

describe('an operator process that is killed with SIGKILL', () => {
  let sources: string;
  let dir: string;
  beforeAll(async () => {
    sources = await transpileSources(['actions', 'errors', 'executor', 'journal', 'node', 'plan', 'transport', 'util']);
    dir = await mkdtemp(join(tmpdir(), 'edgectl-kill9-'));
  });
  afterAll(async () => {
    await Promise.all([sources, dir].map(async (path) => rm(path, { recursive: true, force: true })));
  });

  /** Runs one operator; it is killed when `dies` says so. Resolves with its result, or null when it was killed. */
  async function operate(kit: FakeKit, files: { journal: string; plan: string }, dies: (message: Message) => boolean) {
    const operator: ChildProcess = fork(child, [sources, files.journal, files.plan], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    let result: { state: string; exitCode: number } | null = null;
    let firstCall = '';
    const answer = (id: number, value?: unknown): void => {
      if (operator.connected && operator.exitCode === null && !operator.killed)
        operator.send({ id, answer: value }, () => undefined);
    };
    operator.on('message', (message: Message) => {
      if (operator.killed) return;
      if (message.kind === 'call' && firstCall === '') firstCall = `${message.node} ${message.call.verb}`;
      if (dies(message)) operator.kill('SIGKILL');
      else if (message.kind === 'result') result = { state: message.state, exitCode: message.exitCode };
      else if (message.kind === 'boundary') answer(message.id);
      else void kit.call(message.node, message.call).then((value) => answer(message.id, value));
    });
    const signal = await new Promise((resolve) => operator.on('exit', (_code, name) => resolve(name)));
    return { result, signal, firstCall };
  }

  const points = ['before-intent', 'after-intent', 'after-send', 'after-answer', 'before-result', 'after-result'];
  const cases = ['runtime.stage', 'runtime.trial', 'runtime.confirm'].flatMap((action) =>
    points.map((point) => ({ action, point })),
  );

  it.each(cases)(
    'goes on after it died at $point of $action, over the same journal file',
    async ({ action, point }) => {
      const kit = new FakeKit(systemRunClock);
      const node = kit.add('a', { rt: { version: '1.0', digest: OLD } });
      node.behaviour = { healthyAfter: 0.3 };
      const fresh: Plan = sealPlan({
        ...makePlan({ nodes: ['a'] }),
        validUntil: new Date(Date.now() + 3_600_000).toISOString(),
      });
      const files = { journal: join(dir, `${action}-${point}.db`), plan: join(dir, `${action}-${point}.json`) };
      await writeFile(files.plan, serialisePlan(fresh));
      const killed = await operate(
        kit,
        files,
        (message) => message.kind === 'boundary' && message.point === point && message.at.action === action,
      );
      expect(killed).toMatchObject({ signal: 'SIGKILL', result: null });
      const resumed = await operate(kit, files, () => false);
      expect(resumed).toMatchObject({ signal: null, result: { state: 'succeeded', exitCode: 0 } });
      expect(node.begun).toHaveLength(1);
      expect(node.commits).toHaveLength(1);
      expect(node.committed['rt']?.digest).toBe(NEW);
    },
  );
});
