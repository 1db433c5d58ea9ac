import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createStateNode,
  fingerprint,
  leftovers,
  migratedTo,
  snapshots,
  stateDir,
  stateRuntime,
} from '../../helpers/kit-class-c.js';
import type { KitShell, SandboxNode, Started } from '../../helpers/kit-sandbox.js';
import { must } from '../../helpers/kit-sandbox.js';
import type { KitBundle } from '../../helpers/kit-signer.js';
import { KitSigner } from '../../helpers/kit-signer.js';
import { requires } from '../../helpers/requires.js';

const need = requires('ssh-keygen', 'busybox', 'dash');
const shells: KitShell[] = ['dash', 'bash', 'busybox'];
const base = mkdtempSync(join(tmpdir(), 'kit-class-c-'));

afterAll(() => {
  rmSync(base, { recursive: true, force: true });
});

describe.skipIf(need.skip).each(shells)('a runtime that migrates its state, under %s', (shell) => {
  let node: SandboxNode;
  let before: string[];
  const signer = new KitSigner(join(base, shell));
  beforeEach(async () => {
    node = await createStateNode({ shell, signer, base: mkdtempSync(join(base, 'n-')) });
    before = fingerprint(node.path(stateDir));
  });
  afterEach(async () => {
    await node.close();
  });

  const begin = async (bundle: KitBundle, values: Record<string, string | number> = {}): Promise<Started> => {
    const started = await node.start(node.update([bundle], values), [bundle]);
    must(started.answer);
    return started;
  };
  const isOld = (): void => {
    expect(node.running()).toBe('1.0');
    expect(fingerprint(node.path(stateDir))).toEqual(before);
    expect(leftovers(node)).toEqual([]);
  };

  it('is committed with its state migrated, and keeps the copy from before', async () => {
    const started = await begin(stateRuntime(node, '2.0'));
    await node.reach(started, 'AWAIT');
    expect(existsSync(node.path('var/lib/edgectl/held/toy.service'))).toBe(true);
    must(await node.confirm(started));
    expect(node.running()).toBe('2.0');
    expect(migratedTo(node.path(stateDir), 2)).toBe(true);
    expect(leftovers(node)).toEqual([]);
    const [snapshot = ''] = snapshots(node);
    expect(fingerprint(node.path(`var/lib/edgectl/snap/${snapshot}/1`))).toEqual(before);
  });

  it('gets its state back byte for byte when it is taken back', async () => {
    const started = await begin(stateRuntime(node, '2.0'));
    await node.reach(started, 'AWAIT');
    expect(migratedTo(node.path(stateDir), 2)).toBe(true);
    const answer = must(await node.call('revert', { run: started.run, step: started.step, token: started.token }));
    expect(answer.lines[0]).toMatchObject({ state: 'REVERTED', why: 'operator' });
    isOld();
    expect(snapshots(node)).toEqual([]);
  });
});
