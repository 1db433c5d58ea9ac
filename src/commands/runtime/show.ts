import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class RuntimeShow extends BaseCommand<typeof RuntimeShow> {
  static override summary = 'Show what a bundle holds and how a node will run it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> containerd@2.1.9+ds1-5',
    '<%= config.bin %> <%= command.id %> 4f2c19e0a1b2 --json',
  ];
  static override args = {
    bundle: Args.string({ required: true, description: 'NAME@VERSION, NAME, or the beginning of a digest.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const { localStore, matchBundles } = await import('../../bundle/match.js');
    const { inspectArchive } = await import('../../bundle/inspect.js');
    const bundles = await matchBundles(localStore(this.io.env), this.args.bundle);
    const shown = await Promise.all(
      bundles.map(async ({ signature: _armored, ...bundle }) => {
        const { manifest, driver, unpacked } = await inspectArchive(bundle.path);
        return { ...bundle, unpacked, files: manifest, driver };
      }),
    );
    return {
      data: { bundles: shown },
      rows: shown,
      text: (ui) =>
        shown
          .flatMap((each) => [
            `${ui.theme.good(each.component)} ${each.version} (${each.arch})`,
            `  digest    sha256:${each.digest}`,
            `  size      ${each.size} bytes, ${each.unpacked} unpacked`,
            `  series    ${each.series}`,
            `  archive   ${each.path}`,
            '',
            ...each.files.map((file) => `  ${file.type === 'file' ? file.mode.toString(8) : '  →'}  ${file.path}`),
            '',
            ...each.driver
              .trimEnd()
              .split('\n')
              .map((line) => `  ${line}`),
            '',
          ])
          .join('\n'),
    };
  }
}
