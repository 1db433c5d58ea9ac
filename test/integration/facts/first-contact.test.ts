import { spawnSync } from 'node:child_process';
import { arch, release } from 'node:os';
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
});
