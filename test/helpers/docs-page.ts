import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** Commands of a page and what the page says that they print. */
interface PageStep {
  commands: string;
  /** Fragments of the output, in order; `…` stands for anything within a line. */
  expected: string[];
}

/** A section of a page that has commands. */
interface PageSection {
  title: string;
  steps: PageStep[];
}

/** Sections of a Markdown page with their ```sh blocks and the ```text block after each. */
export function sectionsOf(markdown: string): PageSection[] {
  const sections: PageSection[] = [];
  for (const match of markdown.matchAll(/^## (?<title>.+)$|^```(?<kind>sh|text)\n(?<body>[^]*?)^```$/gmu)) {
    const { title, kind, body = '' } = match.groups ?? {};
    if (title !== undefined) sections.push({ title, steps: [] });
    else if (kind === 'sh') sections.at(-1)?.steps.push({ commands: body, expected: [] });
    else
      sections
        .at(-1)
        ?.steps.at(-1)
        ?.expected.push(...body.trim().split('\n'));
  }
  return sections.filter(({ steps }) => steps.length > 0);
}

/** The first fragment that the output does not have after those before it; undefined when all are there. */
export function firstMissing(output: string, expected: readonly string[]): string | undefined {
  let rest = output;
  for (const fragment of expected) {
    const pattern = fragment
      .trim()
      .split(/(\s+|…)/u)
      .map((part) =>
        part === '…' ? '.*?' : /^\s+$/u.test(part) ? '[^\\S\\n]+' : part.replace(/[.*+?^${}()|[\]\\]/gu, '\\$&'),
      )
      .join('');
    const found = new RegExp(pattern, 'u').exec(rest);
    if (found === null) return fragment;
    rest = rest.slice(found.index + found[0].length);
  }
  return undefined;
}

/** A shell that a person keeps open: directory and exported variables last from one call to the next. */
export class PageShell {
  constructor(
    /** Where it keeps what lasts; the first command runs here. */
    private readonly dir: string,
    private readonly env: Record<string, string>,
  ) {}

  /** Runs commands and stops at the first that fails; standard output and error as they came. */
  async run(commands: string): Promise<{ status: number | null; output: string }> {
    const [vars, cwd] = [path.join(this.dir, '.vars'), path.join(this.dir, '.cwd')];
    const where = await readFile(cwd, 'utf8').catch(() => this.dir);
    const script = `set -eu\n[ ! -e '${vars}' ] || . '${vars}'\n${commands}\nexport -p >'${vars}'\nprintf %s "$PWD" >'${cwd}'\n`;
    const child = spawn('sh', ['-c', script], { cwd: where, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const status = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    return { status, output };
  }
}
