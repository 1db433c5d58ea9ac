import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { MatrixRow } from '../../helpers/kit-matrix.js';
import { matrixRows, renderMatrix, runRow } from '../../helpers/kit-matrix.js';
import { SandboxMatrixNode } from '../../helpers/kit-sandbox-matrix.js';
import type { SandboxOptions } from '../../helpers/kit-sandbox.js';
import { createSandboxNode } from '../../helpers/kit-sandbox.js';
import { KitSigner } from '../../helpers/kit-signer.js';
import { requires } from '../../helpers/requires.js';

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
