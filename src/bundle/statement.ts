import { z } from 'zod';
import { architectures } from './elf.js';
import { invalid } from './invalid.js';
import type { BundleStatement } from './types.js';

/** What a version may look like: it becomes part of a path on the node. */
export const versionText = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9][A-Za-z0-9.+~_-]*$/, 'letters, digits and . + ~ _ -');
const integer = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,15})$/)
  .transform(Number);
const fields = z.strictObject({
  arch: z.enum(architectures),
  component: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/),
  'edgectl-bundle': z.literal('1'),
  series: integer,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  size: integer,
  version: versionText,
});

/** The text that is signed for a bundle (node protocol, section 4). Pure. */
export function renderStatement(statement: BundleStatement): string {
  return [
    `arch=${statement.arch}`,
    `component=${statement.component}`,
    'edgectl-bundle=1',
    `series=${statement.series}`,
    `sha256=${statement.digest}`,
    `size=${statement.size}`,
    `version=${statement.version}`,
    '',
  ].join('\n');
}

/** Reads a statement; only the exact canonical text is accepted. Throws BUNDLE_INVALID. */
export function parseStatement(text: string): BundleStatement {
  const pairs = text
    .slice(0, 4096)
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const at = line.indexOf('=');
      return at < 1 ? ['', line] : [line.slice(0, at), line.slice(at + 1)];
    });
  const parsed = fields.safeParse(Object.fromEntries(pairs));
  if (parsed.success) {
    const { arch, component, series, sha256: digest, size, version } = parsed.data;
    const statement = { arch, component, series, digest, size, version };
    if (renderStatement(statement) === text) return statement;
  }
  const problem = parsed.success ? 'it is not in canonical form' : (parsed.error.issues[0]?.path.join('.') ?? '');
  throw invalid(`A bundle statement cannot be read (${problem}).`);
}
