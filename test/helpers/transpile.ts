import { cp, mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

/** The sources as JavaScript in a directory of their own, for tests whose child processes run without a test runner. Types are not checked. */
export async function transpileSources(rooms: readonly string[]): Promise<string> {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const out = await mkdtemp(join(tmpdir(), 'edgectl-js-'));
  await symlink(join(root, 'node_modules'), join(out, 'node_modules'));
  await cp(join(root, 'package.json'), join(out, 'package.json'));
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true };
  for (const room of rooms) {
    for (const name of await readdir(join(root, 'src', room), { recursive: true })) {
      if (!name.endsWith('.ts')) continue;
      const text = await readFile(join(root, 'src', room, name), 'utf8');
      const target = join(out, 'src', room, name.replace(/ts$/, 'js'));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, ts.transpileModule(text, { compilerOptions }).outputText);
    }
  }
  return out;
}
