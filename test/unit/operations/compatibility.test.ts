import { describe, expect, it } from 'vitest';
import { compatibilityWarnings } from '../../../src/operations/compatibility.js';
import type { Plan, PlanNode } from '../../../src/plan/types.js';

const digest = (letter: string): string => letter.repeat(64);
const node = (id: string, versions: Record<string, string>, after: Record<string, string>): PlanNode => ({
  id,
  site: 's',
  region: 'r',
  arch: 'amd64',
  os: 'debian 13',
  stage: 'rest',
  observed: { at: '2026-01-01T00:00:00.000Z', components: {}, versions },
  expectBefore: {},
  expectAfter: after,
  intent: false,
});
const change = (component: string, version: string, letter: string): Plan['changes'][number] => ({
  component,
  to: { version, digest: digest(letter), size: 1, signedBy: 'ops' },
  from: [],
  nodes: 1,
});
const judge = async (
  plan: Pick<Plan, 'nodes' | 'changes'>,
  accepted = false,
  allowUnproven = false,
): Promise<string[]> => await compatibilityWarnings(plan, { fleetDir: '/nonexistent', accepted, allowUnproven });

describe('compatibility of a plan', () => {
  it('refuses to take containerd back across a major version, and names the nodes folded', async () => {
    const plan = {
      changes: [change('containerd', '1.7.24', 'a')],
      nodes: ['pos-001', 'pos-002'].map((id) => node(id, { containerd: '2.1.9' }, { containerd: digest('a') })),
    };
    await expect(judge(plan)).rejects.toMatchObject({ code: 'RUNTIME_INCOMPATIBLE', exitCode: 1 });
    const lines = await judge(plan, true);
    expect(lines.join('\n')).toMatch(/containerd 2\.1\.9 → 1\.7\.24: .*pos-\[001[-,]002\]/);
  });

  it('refuses a shim of a newer major version than the daemon beside it', async () => {
    const plan = {
      changes: [change('containerd-shim', '2.1.9', 'b')],
      nodes: [
        node('pos-001', { containerd: '1.7.24', 'containerd-shim': '1.7.24' }, { 'containerd-shim': digest('b') }),
      ],
    };
    await expect(judge(plan)).rejects.toMatchObject({ code: 'RUNTIME_INCOMPATIBLE' });
  });

  it('has nothing against a newer containerd with its shim and runc in one plan', async () => {
    const plan = {
      changes: [
        change('containerd', '2.1.9', 'a'),
        change('containerd-shim', '2.1.9', 'b'),
        change('runc', '1.3.6', 'c'),
      ],
      nodes: [
        node(
          'pos-001',
          { containerd: '1.7.24', 'containerd-shim': '1.7.24', runc: '1.1.15' },
          { containerd: digest('a'), 'containerd-shim': digest('b'), runc: digest('c') },
        ),
      ],
    };
    await expect(judge(plan)).resolves.toEqual(expect.any(Array));
  });

  it('refuses a driver that nobody has rolled out, with its reason, until that is allowed', async () => {
    const plan = { changes: [change('nomad', '1.9.3', 'd')], nodes: [node('a', {}, { nomad: digest('d') })] };
    await expect(judge(plan)).rejects.toMatchObject({
      code: 'DRIVER_UNPROVEN',
      exitCode: 1,
      message: expect.stringContaining('no client of a real cluster was upgraded') as string,
    });
    await expect(judge(plan, false, true)).resolves.toEqual(expect.any(Array));
  });

  it('says nothing of a component that has no driver here', async () => {
    const plan = { changes: [change('house-made', '2', 'd')], nodes: [node('a', {}, { 'house-made': digest('d') })] };
    await expect(judge(plan)).resolves.toEqual([]);
  });
});
