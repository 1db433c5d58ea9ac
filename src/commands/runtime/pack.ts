import path from 'node:path';
import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class RuntimePack extends BaseCommand<typeof RuntimePack> {
  static override summary = 'Make a signed bundle from a directory, an archive, a .deb or a program.';
  static override description =
    'The driver says which files are taken. Nothing of the source is executed. The bundle goes into the local store, under the sha256 of its archive; the same content gives the same bundle.';
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
    write: Flags.boolean({ summary: 'Write the bundle into runtimes.yaml.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { packForFleet } = await import('../../bundle/pack-for-fleet.js');
    const { io, flags } = this;
    const packed = await packForFleet(fleet, {
      source: path.resolve(io.cwd, this.args.source),
      driver: flags.driver,
      packageRoot: this.config.root,
      env: io.env,
      now: this.clock.now(),
      interactive: io.isTTY,
      signal: this.signal,
      ...(flags.version === undefined ? {} : { version: flags.version }),
      ...(flags.arch === undefined ? {} : { arch: flags.arch }),
      ...(flags.out === undefined ? {} : { out: path.resolve(io.cwd, flags.out) }),
      write: flags.write,
    });
    const { bundle, isNew, signer, lines, written, warnings } = packed;
    return {
      data: { ...bundle, isNew, signer, written, warnings },
      rows: [bundle],
      text: (ui) =>
        [
          `${ui.theme.good(isNew ? 'packed' : 'packed before')} ${bundle.component} ${bundle.version} (${bundle.arch})`,
          `  digest  sha256:${bundle.digest}`,
          `  signed  ${signer.principal}, ${signer.keyFingerprint}`,
          `  stored  ${bundle.path}`,
          ...warnings.map((warning) => ui.theme.warn(warning)),
          '',
          ...(written === null
            ? ['For runtimes.yaml (or use --write):', '', lines.trimEnd()]
            : [`written to ${written}`]),
        ].join('\n'),
    };
  }
}
