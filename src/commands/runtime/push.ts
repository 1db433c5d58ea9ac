import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class RuntimePush extends BaseCommand<typeof RuntimePush> {
  static override summary = 'Put bundles of the local store into an OCI registry.';
  static override description =
    'The bundle goes with its statement and signature, as one artifact that rollouts fetch by digest. ' +
    'What the registry has is not sent again, and an upload that was cut goes on where it ended.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> containerd@2.1.9 registry.example.org/edge/runtimes',
    '<%= config.bin %> <%= command.id %> runc 127.0.0.1:5000/runtimes',
  ];
  static override args = {
    bundle: Args.string({ required: true, description: 'NAME@VERSION, NAME, or the beginning of a digest.' }),
    repository: Args.string({ required: true, description: 'REGISTRY/REPOSITORY, without tag.' }),
  };
  static override flags = {
    'plain-http': Flags.boolean({ summary: 'Speak to the registry without TLS; loopback is spoken to so anyway.' }),
    ca: Flags.string({ helpValue: 'FILE', summary: 'PEM certificates to trust besides the built-in ones.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { pushForFleet } = await import('../../operations/push-bundles.js');
    const { io, signal, flags, args } = this;
    const { source, pushed } = await pushForFleet(fleet, {
      ...args,
      ...{ env: io.env, cwd: io.cwd, signal, plainHttp: flags['plain-http'] ? true : undefined, ca: flags.ca },
    });
    return {
      data: { source, bundles: pushed },
      rows: pushed,
      text: (ui) =>
        [
          ...pushed.flatMap(({ component, version, arch, digest, manifest, sent }) => [
            `${ui.theme.good(sent > 0 ? 'pushed' : 'there already')} ${component} ${version} (${arch})`,
            `  bundle    sha256:${digest}`,
            `  manifest  ${manifest}`,
          ]),
          '',
          `In runtimes.yaml, for rollouts from another computer: source: ${source}`,
        ].join('\n'),
    };
  }
}
