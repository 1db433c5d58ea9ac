import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { root } from '../../helpers/cli.js';

interface ManifestCommand {
  id: string;
  summary?: string;
  examples?: unknown[];
  changing?: boolean;
  hidden?: boolean;
  flags: Record<string, { name: string; env?: string }>;
}

const { commands } = JSON.parse(readFileSync(`${root}oclif.manifest.json`, 'utf8')) as {
  commands: Record<string, ManifestCommand>;
};
const all = Object.values(commands).map((command) => [command.id.replaceAll(':', ' '), command] as const);

describe.each(all)('edgectl %s', (_name, command) => {
  it('has a summary and examples, and every flag a name in the environment', () => {
    expect(command.summary?.length ?? 0).toBeGreaterThan(10);
    expect(command.examples?.length ?? 0).toBeGreaterThan(0);
    for (const flag of Object.values(command.flags)) expect(flag.env, flag.name).toMatch(/^EDGECTL_[A-Z0-9_]+$/);
  });

  it('has the shared flags, and --yes only when it changes something', () => {
    expect(Object.keys(command.flags)).toEqual(
      expect.arrayContaining(['fleet', 'output', 'json', 'debug', 'no-color']),
    );
    expect('yes' in command.flags).toBe(command.changing === true);
  });
});
