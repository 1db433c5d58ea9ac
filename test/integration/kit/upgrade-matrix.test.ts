import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { MatrixRow } from '../../helpers/kit-matrix.js';
import { matrixRows, renderMatrix, runRow } from '../../helpers/kit-matrix.js';
import { createSandboxNode } from '../../helpers/kit-sandbox.js';
import { KitSigner } from '../../helpers/kit-signer.js';
import { KitMatrixNode } from '../../helpers/kit-upgrade.js';
import { requires } from '../../helpers/requires.js';

const need = requires('ssh-keygen', 'dash', 'busybox');
/** While a bundle is staged a kill ends a request, no runner: the power cut shows that too. One cut with two boots shows what one with one does. */
const rows = matrixRows.filter(
  ({ injection, failpoint }) => injection === 'power, boot twice' || (injection === 'kill' && failpoint > 5),
);

describe.skipIf(need.skip)('crash matrix of a kit upgrade in the sandbox', () => {
  const base = mkdtempSync(join(tmpdir(), 'kit-upgrade-matrix-'));
  const signer = new KitSigner(join(base, 'keys'));
  const results: { row: MatrixRow; wrong: string[] }[] = [];

  afterAll(() => {
    process.stdout.write(renderMatrix('Crash matrix of a kit upgrade, sandbox', results));
    rmSync(base, { recursive: true, force: true });
  });

  it.concurrent.each(rows.map((row) => ({ ...row, row })))(
    'leaves a kit that works after $injection at failpoint $failpoint ($at): $expect',
    async ({ row }) => {
      const shell = row.failpoint % 3 === 0 ? 'busybox' : 'dash';
      const node = await createSandboxNode({ shell, signer, base: mkdtempSync(join(base, 'n-')) });
      try {
        const wrong = await runRow(await KitMatrixNode.create(node, shell), row);
        results.push({ row, wrong });
        expect(wrong).toEqual([]);
      } finally {
        await node.close();
      }
    },
    300_000,
  );
});
