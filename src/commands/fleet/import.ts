import { Args } from '@oclif/core';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { importFlags } from '../../cli/import-flags.js';

export default class FleetImport extends BaseCommand<typeof FleetImport> {
  static override summary = 'Import nodes from Ansible inventories, ssh_config files and CSV.';
  static override description =
    'Writes nodes/NAME.yaml of the fleet repository, and a new repository where there is none; the same import again replaces that file. Ansible: INI and YAML, group_vars and host_vars, and ansible.cfg when it is named; vaults stay shut. ssh_config: as ssh itself reads it. Whatever is not understood is named with file and line and ends with 1, and nothing is written; what is left out on purpose is named too. Contacts no node, runs no program.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> inventory/ --site-from group:site_*',
    '<%= config.bin %> <%= command.id %> ansible.cfg --site-from group:site_*',
    '<%= config.bin %> <%= command.id %> ~/.ssh/config --host pos-[001-040]',
    '<%= config.bin %> <%= command.id %> stores.csv --column address=Mgmt-IP --site-from label:Store --dry-run',
  ];
  static override changing = true;
  static override args = {
    sources: Args.string({ multiple: true, required: true, description: 'Files or directories.' }),
  };
  static override flags = importFlags;

  protected async execute(): Promise<CommandResult> {
    const { io, flags, args } = this;
    const user = { name: io.env['USER'] ?? userInfo().username, home: io.env['HOME'] ?? homedir() };
    const { importedText, importSetup } = await import('../../cli/import-report.js');
    const setup = await importSetup(args.sources, flags, { cwd: io.cwd, user });
    const { understand, writeImport } = await import('../../fleet/import/import-fleet.js');
    const { writeNodesFile } = await import('../../fleet/import/write.js');
    const { ensureFleet } = await import('../../fleet/import/ensure-fleet.js');
    const assembled = understand(await setup.read(), { ...setup.options, partial: flags.partial, base: io.cwd });
    const file = `nodes/${setup.name}.yaml`;
    const head = ['Written by edgectl fleet import; the same import again replaces it.'];
    const report = { assembled, file, base: io.cwd };
    if (flags['dry-run']) {
      const text = writeNodesFile(assembled, head);
      const data = { file, text, remarks: assembled.remarks };
      return {
        data,
        rows: [...assembled.nodes.keys()],
        text: (ui) => `${text}\n${importedText({ ...report, dry: true }, ui)}`,
      };
    }
    await this.say((ui) => importedText({ ...report, dry: true }, ui));
    await this.confirm(`Write ${assembled.nodes.size} nodes to ${file}?`);
    const dir = await ensureFleet(
      flags.fleet === undefined ? undefined : path.resolve(io.cwd, flags.fleet),
      io.cwd,
      this.clock.now(),
    );
    const fleet = await writeImport(assembled, { dir, file, head }, io);
    const nodes = [...assembled.nodes.keys()];
    const data = { dir, file, nodes: nodes.length, total: fleet.nodes.length, remarks: assembled.remarks };
    return {
      data,
      rows: nodes,
      text: () =>
        `Wrote ${nodes.length} nodes to ${path.relative(io.cwd, path.join(dir, file))}; the fleet ${fleet.name} has ${fleet.nodes.length}.\n\nNext:  edgectl fleet list, then edgectl node trust --all`,
    };
  }
}
