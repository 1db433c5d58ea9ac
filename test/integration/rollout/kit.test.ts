import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labFleet, type LabFleet } from '../../helpers/lab-fleet.js';
import { requires } from '../../helpers/requires.js';

const need = requires('ssh-keygen');

describe.skipIf(need.skip)('the kit from the command line', () => {
  let fleet: LabFleet;
  let nodes: string[];
  const kits = async (): Promise<Record<string, string>> => {
    const { envelope } = await fleet.json('node', 'facts');
    type Row = { id: string; kitIdentity?: { version: string } };
    return Object.fromEntries((envelope.result.nodes as Row[]).map((row) => [row.id, row.kitIdentity?.version ?? '']));
  };
  const all = (version: string): Record<string, string> => Object.fromEntries(nodes.map((node) => [node, version]));
  /** What an earlier edgectl would have installed. */
  const edit = async (node: string, change: (text: string) => string): Promise<void> => {
    const file = join(fleet.lab, 'nodes', node, 'usr/local/sbin/edgectl-node');
    const text = await readFile(file, 'utf8');
    expect(change(text)).not.toBe(text);
    await writeFile(file, change(text));
  };
  const rollout = ['rollout', 'kit', '--canary', '1', '--policy', 'quick', '--yes'];
  let run: string;

  beforeAll(async () => {
    fleet = await labFleet(3);
    nodes = Object.keys(await kits());
    await fleet.want('1.1.0');
  });
  afterAll(async () => fleet?.close());

  it('has nothing to do where every node runs this kit already', async () => {
    const { exitCode, envelope } = await fleet.json('rollout', 'kit', '--dry-run', '--detailed-exitcode');
    expect(exitCode).toBe(0);
    expect(JSON.stringify(envelope.result)).toContain('already there');
  });

  it('refuses a node whose kit cannot be changed by a transaction, by name and with what to do', async () => {
    for (const node of nodes) await edit(node, (text) => text.replace(/^KIT_VERSION=.*$/m, "KIT_VERSION='0.0.9'"));
    const [first] = nodes as [string];
    await edit(first, (text) => text.replace('PROTOCOL_MAX=3', 'PROTOCOL_MAX=1'));
    const { exitCode, envelope } = await fleet.json(...rollout, '--on', first);
    expect(exitCode).toBe(4);
    expect(JSON.stringify(envelope)).toContain(`edgectl node prepare ${first}`);
    await edit(first, (text) => text.replace('PROTOCOL_MAX=1', 'PROTOCOL_MAX=3'));
  });

  it('refuses a kit that speaks no protocol of its own, and says which edgectl does', async () => {
    const [first] = nodes as [string];
    await edit(first, (text) =>
      text.replace('PROTOCOL_MIN=1', 'PROTOCOL_MIN=4').replace('PROTOCOL_MAX=3', 'PROTOCOL_MAX=5'),
    );
    const { exitCode, envelope } = await fleet.json('rollout', 'runtime', '--policy', 'quick', '--yes', '--on', first);
    expect(exitCode).toBe(4);
    expect(JSON.stringify(envelope)).toContain('speaks protocol 4 to 5, this edgectl 1 to 3: use a newer edgectl');
    await edit(first, (text) =>
      text.replace('PROTOCOL_MIN=4', 'PROTOCOL_MIN=1').replace('PROTOCOL_MAX=5', 'PROTOCOL_MAX=3'),
    );
  });

  it('is rolled out canary first, over the real SSH and transaction, and then rolls a runtime out', async () => {
    expect(await kits()).toEqual(all('0.0.9'));
    const { exitCode, envelope } = await fleet.json(...rollout);
    expect([exitCode, envelope.error]).toEqual([0, undefined]);
    run = envelope.runId ?? '';
    const now = await kits();
    expect(Object.values(now).every((version) => version !== '0.0.9')).toBe(true);
    expect((await fleet.json(...rollout)).exitCode).toBe(0);
    expect((await fleet.edgectl('rollout', 'runtime', '--policy', 'quick', '--yes')).exitCode).toBe(0);
    expect(await fleet.versions()).toEqual(all('1.1.0'));
  });

  it('goes back to what the run replaced, and leaves the runtimes where they are', async () => {
    const { exitCode } = await fleet.json('rollback', run, '--yes');
    expect(exitCode).toBe(0);
    expect(await kits()).toEqual(all('0.0.9'));
    expect(await fleet.versions()).toEqual(all('1.1.0'));
  });
});
