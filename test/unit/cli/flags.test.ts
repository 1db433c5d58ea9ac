import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Command {
  id: string;
  examples?: unknown[];
  flags: Record<string, { env?: string }>;
}
const root = fileURLToPath(new URL('../../../', import.meta.url));
const { commands } = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as {
  commands: Record<string, Command>;
};

describe.each(Object.values(commands))('$id', ({ examples, flags }) => {
  it('has an example, and an EDGECTL_* name for each flag', () => {
    expect(examples ?? []).not.toEqual([]);
    expect(Object.entries(flags).filter(([, flag]) => !flag.env?.startsWith('EDGECTL_'))).toEqual([]);
  });
});

describe('a flag that may be given several times', () => {
  // The manifest does not say it, so the sources are read.
  const files = ['src/commands', 'src/cli'].flatMap((dir) =>
    readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(dir, file)),
  );
  const flags = files.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/Flags\.\w+\(\{[^}]*\bmultiple: true[^}]*\}/g)].map(
      ([flag]) => ({
        file,
        flag,
      }),
    ),
  );

  it('swallows no argument that stands behind it', () => {
    expect(flags.length).toBeGreaterThan(3);
    expect(flags.filter(({ flag }) => !flag.includes('multipleNonGreedy: true'))).toEqual([]);
  });
});
