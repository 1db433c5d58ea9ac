import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { MatrixRow } from '../../helpers/kit-matrix.js';
import { matrixRows, renderMatrix, runRow, stateRows } from '../../helpers/kit-matrix.js';
import {
  createStateNode,
  fingerprint,
  leftovers,
  snapshots,
  stateDir,
  stateRuntime,
} from '../../helpers/kit-class-c.js';
import { SandboxMatrixNode, StateMatrixNode } from '../../helpers/kit-sandbox-matrix.js';
import type { SandboxNode, SandboxOptions, Started } from '../../helpers/kit-sandbox.js';
import { createSandboxNode } from '../../helpers/kit-sandbox.js';
import { KitSigner } from '../../helpers/kit-signer.js';
import { requires } from '../../helpers/requires.js';
import { until } from '../../helpers/until.js';

const need = requires('ssh-keygen', 'dash', 'busybox');

describe.skipIf(need.skip)('crash matrix in the sandbox', () => {
  const base = mkdtempSync(join(tmpdir(), 'kit-matrix-'));
  const signer = new KitSigner(join(base, 'keys'));
  const results: { row: MatrixRow; wrong: string[] }[] = [];

  const survive = async (
    row: MatrixRow,
    options: SandboxOptions,
    setUp: (node: SandboxMatrixNode) => void = () => undefined,
  ): Promise<string[]> => {
    const node = await createSandboxNode({ ...options, signer, base: mkdtempSync(join(base, 'n-')) });
    try {
      const matrix = new SandboxMatrixNode(node);
      setUp(matrix);
      return await runRow(matrix, row);
    } finally {
      await node.close();
    }
  };

  afterAll(() => {
    process.stdout.write(renderMatrix('Crash matrix, sandbox', results));
    rmSync(base, { recursive: true, force: true });
  });

  it.concurrent.each(matrixRows.map((row) => ({ ...row, row })))(
    'survives $injection at failpoint $failpoint ($at): $expect',
    async ({ row }) => {
      // Every third failpoint under busybox, so that each injection meets both shells.
      const wrong = await survive(row, { shell: row.failpoint % 3 === 0 ? 'busybox' : 'dash' });
      results.push({ row, wrong });
      expect(wrong).toEqual([]);
    },
    300_000,
  );

  it('fails when the pointer is not renamed atomically', async () => {
    const row = matrixRows.find(({ failpoint, injection }) => failpoint === 14 && injection === 'power');
    expect(row).toBeDefined();
    const wrong = await survive(row as MatrixRow, { shell: 'dash' }, ({ node }) => node.lab('nonatomic'));
    expect(wrong.join()).toContain('the committed pointer leads nowhere at the cut');
  });
});

describe.skipIf(need.skip)('crash matrix of a runtime that migrates its state, in the sandbox', () => {
  const base = mkdtempSync(join(tmpdir(), 'kit-matrix-c-'));
  const signer = new KitSigner(join(base, 'keys'));
  const results: { row: MatrixRow; wrong: string[] }[] = [];
  const hitFile = 'run/edgectl/failpoint-hit';

  const onNode = async <T>(options: SandboxOptions, act: (node: SandboxNode) => Promise<T>): Promise<T> => {
    const node = await createStateNode({ ...options, signer, base: mkdtempSync(join(base, 'n-')) });
    try {
      return await act(node);
    } finally {
      await node.close();
    }
  };
  const trial = async (node: SandboxNode, values: Record<string, number> = {}): Promise<Started> => {
    const bundle = stateRuntime(node, '2.0');
    const started = await node.start(node.update([bundle], values), [bundle]);
    await node.reach(started, 'AWAIT');
    return started;
  };
  const atFailpoint = (node: SandboxNode): Promise<boolean> =>
    until('the failpoint is reached', () => existsSync(node.path(hitFile)), { within: 90_000 });

  afterAll(() => {
    process.stdout.write(renderMatrix('Crash matrix, class C, sandbox', results));
    rmSync(base, { recursive: true, force: true });
  });

  it.concurrent.each(stateRows.map((row) => ({ ...row, row })))(
    'survives $injection at failpoint $failpoint ($at) with the state of the version that counts: $expect',
    async ({ row }) => {
      const shell = row.failpoint % 2 === 0 ? 'busybox' : 'dash';
      const wrong = await onNode({ shell }, (node) => runRow(new StateMatrixNode(node), row));
      results.push({ row, wrong });
      expect(wrong).toEqual([]);
    },
    300_000,
  );

  it.concurrent.each([
    { failpoint: 23, at: 'copied back, beside the migrated state' },
    { failpoint: 24, at: 'migrated state moved away, nothing in its place' },
    { failpoint: 25, at: 'put back, the migrated state beside it' },
  ])(
    'puts the state back again after two power cuts in the middle of it, at failpoint $failpoint ($at)',
    async ({ failpoint }) => {
      await onNode({ shell: failpoint === 24 ? 'busybox' : 'dash' }, async (node) => {
        const before = fingerprint(node.path(stateDir));
        const started = await trial(node);
        node.lab('failpoint', `${failpoint} hold`);
        const revert = node.call('revert', { run: started.run, step: started.step, token: started.token });
        await atFailpoint(node);
        await node.init.powerCut();
        await revert;
        // Again, in what the next boot does about it.
        node.lab('failpoint', `${failpoint} hold`);
        const boot = node.init.boot();
        await atFailpoint(node);
        expect(node.running()).toBe('');
        await node.init.powerCut();
        await boot;
        await node.init.boot();
        expect(await node.tx(started)).toMatchObject({ state: 'REVERTED', why: 'operator' });
        await until('version 1.0 runs', () => node.running() === '1.0');
        expect(fingerprint(node.path(stateDir))).toEqual(before);
        expect([...leftovers(node), ...snapshots(node)]).toEqual([]);
        await node.init.recover();
        expect(fingerprint(node.path(stateDir))).toEqual(before);
      });
    },
    300_000,
  );

  it.concurrent.each([23, 24, 25])(
    'puts the state back although what does so is killed at failpoint %i',
    async (failpoint) => {
      await onNode({}, async (node) => {
        const before = fingerprint(node.path(stateDir));
        const started = await trial(node, { 'health.cap': 8, 'confirm.window': 2 });
        node.lab('failpoint', `${failpoint} kill`);
        // Nobody says anything: the deadline finds it.
        const tx = await node.reach(started, 'REVERTED');
        expect(tx.why).toBe('deadline');
        expect(existsSync(node.path(hitFile))).toBe(true);
        await until('version 1.0 runs', () => node.running() === '1.0');
        expect(fingerprint(node.path(stateDir))).toEqual(before);
        // The copy goes when the verdict is in the journal.
        await until('nothing is left of it', () => [...leftovers(node), ...snapshots(node)].length === 0);
      });
    },
    300_000,
  );

  it('fails when the state is not put back', async () => {
    const row = stateRows.find(({ failpoint, injection }) => failpoint === 12 && injection === 'power');
    const wrong = await onNode({}, async (node) => {
      node.lab('norestore');
      const matrix = new StateMatrixNode(node);
      // The old version does not come up on what it finds; that is the point.
      matrix.patienceMs = 3000;
      return runRow(matrix, row as MatrixRow);
    });
    expect(wrong.join()).toContain('the state on the disk is not that of the version');
  });
});
