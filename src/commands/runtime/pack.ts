import path from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class RuntimePack extends BaseCommand<typeof RuntimePack> {
  static override summary = 'Make a signed bundle from a directory, an archive, a .deb or a program.';
  static override description =
    'The driver says which files are taken; nothing of the source is executed. The same content gives the same bundle.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> containerd_2.1.9+ds1-5_amd64.deb --driver containerd --write',
    '<%= config.bin %> <%= command.id %> runc.amd64 --driver runc --version 1.3.6',
    '<%= config.bin %> <%= command.id %> ./build --driver crun --version 1.28 --out ./bundles',
  ];
  static override args = {
    source: Args.string({
      required: true,
      description: 'Directory, .tar, .tar.gz, .tar.xz, .tar.zst, .deb, or one program.',
    }),
  };
  static override flags = {
    driver: Flags.string({
      required: true,
      helpValue: 'NAME',
      summary: 'Runtime driver; see: runtime list --drivers.',
    }),
    version: Flags.string({ summary: 'Version; from the .deb or the file name when absent.' }),
    arch: Flags.string({ summary: 'Architecture; from the programs when absent, and refused when they disagree.' }),
    out: Flags.string({ helpValue: 'DIR', summary: 'Also write the bundle to DIR/DIGEST/, as a server offers it.' }),
    'allow-unproven': Flags.boolean({ summary: 'Use a runtime driver that nobody has rolled out yet.' }),
    write: Flags.boolean({ summary: 'Write the bundle into runtimes.yaml.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { packForFleet } = await import('../../bundle/pack-for-fleet.js');
    const { io, flags, signal } = this;
    const { driver, version, arch, write, 'allow-unproven': allowUnproven } = flags;
    const source = path.resolve(io.cwd, this.args.source);
    const out = flags.out === undefined ? undefined : path.resolve(io.cwd, flags.out);
    const around = {
      allowUnproven,
      packageRoot: this.config.root,
      env: io.env,
      now: this.clock.now(),
      interactive: io.isTTY,
    };
    const packed = await packForFleet(fleet, { source, driver, version, arch, out, write, signal, ...around });
    const { bundle, lines, ...rest } = packed;
    return {
      data: { ...bundle, ...rest },
      rows: [bundle],
      text: (ui) =>
        [
          `${ui.theme.good(rest.isNew ? 'packed' : 'packed before')} ${bundle.component} ${bundle.version} (${bundle.arch})`,
          `  digest  sha256:${bundle.digest}`,
          `  signed  ${rest.signer.principal}, ${rest.signer.keyFingerprint}`,
          `  stored  ${bundle.path}`,
          ...rest.warnings.map((warning) => ui.theme.warn(warning)),
          '',
          rest.written === null ? `For runtimes.yaml (or use --write):\n\n${lines}` : `written to ${rest.written}`,
        ].join('\n'),
    };
  }
}
