import { Args, Flags } from '@oclif/core';
import path from 'node:path';
import type { CommandResult } from '../cli/base.js';
import { BaseCommand } from '../cli/base.js';

export default class Init extends BaseCommand<typeof Init> {
  static override summary = 'Write a new, commented fleet repository.';
  static override description =
    'Writes fleet.yaml, runtimes.yaml, a policy and a .gitignore that keeps private keys out. Never overwrites a file; refuses where a fleet.yaml is already.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> acme-retail',
    '<%= config.bin %> <%= command.id %> --name acme-retail',
  ];
  static override args = { dir: Args.string({ default: '.', description: 'Directory; made when it is not there.' }) };
  static override flags = {
    name: Flags.string({ summary: 'Name of the fleet; the directory’s name when absent.', helpValue: 'NAME' }),
  };

  protected async execute(): Promise<CommandResult> {
    const [{ fleetNameFrom, initFleet }, { ulid }] = await Promise.all([import('../fleet/init.js'), import('ulid')]);
    const dir = path.resolve(this.io.cwd, this.args.dir);
    const name = this.flags.name ?? fleetNameFrom(dir);
    const id = ulid(this.clock.now());
    const { created, kept } = await initFleet({ dir, name, id });
    const goTo = dir === this.io.cwd ? [] : [`  cd ${path.relative(this.io.cwd, dir)}`];
    const steps = [
      ...goTo,
      '  edit fleet.yaml and runtimes.yaml        the nodes, and what they shall run',
      '  edgectl fleet check                      every mistake, with its line',
      '  edgectl keys init                        a key that signs plans and bundles',
      '  edgectl node trust --all                 pin the nodes’ host keys',
      '  edgectl node prepare --all --login root  put the kit on them, once',
    ];
    return {
      data: { dir, id, name, created, kept },
      text: () =>
        [
          `Fleet ${name} (${id}) in ${dir}`,
          ...created.map((file) => `  wrote ${file}`),
          ...kept.map((file) => `  kept  ${file}`),
          '',
          'Next:',
          ...steps,
        ].join('\n'),
    };
  }
}
