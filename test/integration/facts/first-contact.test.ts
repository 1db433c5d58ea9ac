import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { arch, release, tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseFacts } from '../../../src/facts/facts.js';
import { factsScript } from '../../../src/node/prepare-script.js';
import { parseAnswer } from '../../../src/node/wire.js';
import { requires } from '../../helpers/requires.js';

describe.each([
  ['dash', ['dash', '-s'], requires('dash', 'ssh-keygen')],
  ['bash', ['bash', '-s'], { skip: false }],
  ['busybox sh', ['busybox', 'sh', '-s'], requires('busybox')],
])('the first-contact script under %s', (_shell, argv, need) => {
  it.skipIf(need.skip)('answers in the line protocol with the facts of this machine', async () => {
    const [program = '', ...args] = argv;
    const result = spawnSync(program, args, { input: await factsScript({ components: ['runc'] }) });
    const answer = parseAnswer(result.stdout);
    if (!answer.valid) throw new Error(answer.why);
    const now = Date.now();
    const facts = parseFacts(answer.lines, { kit: false, now });
    expect(facts.kernel).toBe(release());
    expect(facts.arch).toBe({ x64: 'amd64' }[arch() as string] ?? arch());
    expect(facts.privilege === 'root').toBe(process.getuid?.() === 0);
    expect(facts.diskFreeBytes).toBeGreaterThan(0);
    expect(facts.memoryAvailableBytes).toBeGreaterThan(0);
    expect(facts.verifies).toBe(true);
    expect(facts.os?.id).toMatch(/^[a-z]+$/u);
    expect(result.stderr.toString()).toBe('');
  });

  it.skipIf(need.skip)('reads the version of a distribution’s build from what the program says of itself', async () => {
    const prefix = mkdtempSync(path.join(tmpdir(), 'first-contact-'));
    try {
      const bin = path.join(prefix, 'usr/bin');
      mkdirSync(bin, { recursive: true });
      for (const [name, flag, said] of programs) {
        const script = `#!/bin/sh\n[ "$1" = ${flag} ] || { echo "unknown flag $1" >&2; exit 2; }\ncat <<'END'\n${said}\nEND\n`;
        writeFileSync(path.join(bin, name), script);
        chmodSync(path.join(bin, name), 0o755);
      }
      const components = ['containerd', 'containerd-shim', 'runc', 'runsc', 'crun', 'youki'];
      const [program = '', ...args] = argv;
      const result = spawnSync(program, args, { input: await factsScript({ components, prefix }) });
      const answer = parseAnswer(result.stdout);
      if (!answer.valid) throw new Error(answer.why);
      const { unmanaged } = parseFacts(answer.lines, { kit: false, now: Date.now() }).components;
      expect(unmanaged).toEqual({
        containerd: '1.7.24~ds1',
        'containerd-shim': '1.7.24~ds1',
        runc: '1.1.15+ds1',
        runsc: '20240807.0',
        crun: 'unknown',
      });
    } finally {
      rmSync(prefix, { recursive: true });
    }
  });
});

/** Programs, the flag that they know, and what Debian's builds of them say. */
const programs = [
  ['containerd', '--version', 'containerd github.com/containerd/containerd 1.7.24~ds1 1.7.24~ds1-6+deb13u1'],
  ['containerd-shim', '-v', 'containerd-shim:\n  Version:  1.7.24~ds1'],
  ['containerd-shim-runc-v2', '-v', 'containerd-shim-runc-v2:\n  Version:  1.7.24~ds1\n  Revision: 1.7.24~ds1-6'],
  ['runc', '--version', 'runc version 1.1.15+ds1\ncommit: 1.1.15+ds1-2+b4'],
  ['runsc', '--version', 'runsc version release-20240807.0\nspec: 1.1.0-rc.1'],
  ['crun', '--version', 'no number here'],
] as const;
