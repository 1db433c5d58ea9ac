import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../../cli/base.js';
import { BaseCommand } from '../../../cli/base.js';

export default class RuntimeDriverTest extends BaseCommand<typeof RuntimeDriverTest> {
  static override summary = 'Try a runtime driver on a node, with the build that is installed there.';
  static override description =
    'Changes nothing: looks for what the driver would adopt, runs its version and health probes with the distribution’s build as the login of the fleet, and reads what the unit is like. A probe that needs root can fail here and pass in a rollout. Ends with 0 when nothing failed, 1 otherwise, 3 when the node is out of reach, 4 when it or we refuse.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> edge-001 --driver crun',
    '<%= config.bin %> <%= command.id %> edge-001 --driver podman --json',
  ];
  static override args = { node: Args.string({ required: true, description: 'The node.' }) };
  static override flags = {
    driver: Flags.string({ required: true, helpValue: 'NAME', summary: 'Runtime driver, of the fleet or of edgectl.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { loadDriver } = await import('../../../bundle/drivers/load.js');
    const { driverDirs } = await import('../../../bundle/places.js');
    const { nodeOf, targetOf } = await import('../../../node/target.js');
    const { openNodes } = await import('../../../node/open.js');
    const { failureError } = await import('../../../node/failure-error.js');
    const { testDriver } = await import('../../../doctor/driver-checks.js');
    const { checksText } = await import('../../../render/checks.js');
    const node = nodeOf(fleet, this.args.node);
    const { driver, file } = await loadDriver(this.flags.driver, driverDirs(this.config.root, fleet.dir));
    const { env } = this.io;
    const { transport, client, close } = openNodes(fleet, { env });
    const target = targetOf(fleet, node, { agent: env['SSH_AUTH_SOCK'], home: env['HOME'] });
    const { signal } = this;
    const connected = await transport.connect(target, { signal });
    if (!connected.ok) throw failureError(node.id, connected);
    const checks = await testDriver({ client, node: node.id, driver, signal })
      .finally(() => connected.session.close())
      .finally(close);
    const failed = checks.some(({ state }) => state === 'bad');
    return {
      data: { node: node.id, driver: driver.component, file, checks },
      rows: checks,
      exitCode: failed ? 1 : 0,
      text: (ui) => checksText(ui, checks, `${driver.component} (${file}) fits ${node.id}`),
    };
  }
}
