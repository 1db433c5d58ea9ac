import { Args } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class RuntimeVerify extends BaseCommand<typeof RuntimeVerify> {
  static override summary = 'Check bundles of the local store: digest, signature, and every file.';
  static override description =
    'Does on this computer what each node does before it runs anything of a bundle. Exit code 4 when a bundle is refused.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> runc@1.3.6'];
  static override args = {
    bundle: Args.string({ description: 'NAME@VERSION, NAME, or the beginning of a digest; all when absent.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { localStore, matchBundles } = await import('../../bundle/match.js');
    const { verifyAll } = await import('../../bundle/verify.js');
    const store = localStore(this.io.env);
    const bundles = this.args.bundle === undefined ? undefined : await matchBundles(store, this.args.bundle);
    const checked = await verifyAll(store, bundles, { allowedSigners: fleet.allowedSignersFile, env: this.io.env });
    const bad = checked.filter((each) => !each.ok);
    return {
      data: { bundles: checked },
      rows: checked,
      exitCode: bad.length === 0 ? 0 : 4,
      text: (ui) => {
        const rows = checked.map((each) => [
          `${each.component}@${each.version}`,
          each.arch,
          each.digest.slice(0, 12),
          each.ok ? ui.theme.good('good') : ui.theme.bad(each.code),
          each.ok ? `signed by ${each.signer.principal}` : each.message,
        ]);
        const lines = bad.flatMap((each) => (each.ok ? [] : each.lines)).map((line) => `  ${line}`);
        const verdict = bad.length === 0 ? `${checked.length} good` : `${bad.length} of ${checked.length} refused`;
        return [ui.table(['bundle', 'arch', 'digest', 'verdict', ''], rows), ...lines, '', verdict].join('\n');
      },
    };
  }
}
