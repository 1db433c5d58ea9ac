import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { root } from '../../helpers/cli.js';
import { PageShell, sectionsOf } from '../../helpers/docs-page.js';
import { requires } from '../../helpers/requires.js';
import type { SecretFleet } from '../../helpers/secret-fleet.js';
import { secretFleet } from '../../helpers/secret-fleet.js';

const needs = requires('swtpm', 'age', 'ssh-keygen');
const secret = 'a value, and no line break';

describe.skipIf(needs.skip)('the runbook for opening a secret without edgectl', { timeout: 1_200_000 }, () => {
  let fleet: SecretFleet;
  let sections: ReturnType<typeof sectionsOf>;

  beforeAll(async () => {
    fleet = await secretFleet(1);
    const [node = ''] = fleet.nodes;
    const page = await readFile(path.join(root, 'docs/runbooks/open-a-secret-without-edgectl.md'), 'utf8');
    // The node's disk is a directory here.
    sections = sectionsOf(page.replaceAll('/var/lib/edgectl', fleet.nodeFile(node, 'var/lib/edgectl')));
    const steps = [
      await fleet.edgectl('node', 'enroll', node),
      await fleet.feed(Buffer.from(secret), 'secret', 'set', 'db-password', '--for', node),
      await fleet.edgectl('secret', 'push', node),
    ];
    for (const step of steps) expect(step.exitCode, step.stderr).toBe(0);
  }, 1_200_000);
  afterAll(async () => {
    await fleet?.close();
  });

  const follow = async (title: string, dir: string, env: Record<string, string>): Promise<string> => {
    const shell = new PageShell(dir, { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...env });
    // One shell from the first line to the last, as a person has it.
    const steps = sections.find((section) => section.title === title)?.steps ?? [];
    const { status, output } = await shell.run(steps.map(({ commands }) => commands).join('\n'));
    expect(status, output).toBe(0);
    return output;
  };

  it('opens it on the node, with nothing but the stock tools', async () => {
    const [tpm] = fleet.tpms;
    const output = await follow('On the node, with its TPM', fleet.home, { TPM2TOOLS_TCTI: tpm?.tcti ?? '' });
    expect(output).toContain('Good "edgectl-secret" signature');
    expect(output).toContain(secret);
  });

  it('opens it from the repository, with a recovery identity', async () => {
    const output = await follow('Anywhere, with a recovery identity', fleet.dir, { RECOVERY: fleet.recovery[0] ?? '' });
    expect(output).toBe(secret);
  });
});
