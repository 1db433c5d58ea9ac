import { Flags } from '@oclif/core';
import path from 'node:path';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { EdgectlError } from '../../errors/error.js';

export default class FleetTrust extends BaseCommand<typeof FleetTrust> {
  static override summary = 'Let the programs run that print the nodes of this fleet (nodes: { exec: … }).';
  static override description =
    'Shows each command line and the files of the repository that it covers, and remembers their digest for you on this computer. Any change to them asks for trust again. In CI, give the digest that you looked at: --digest.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --digest 3f1c… --yes',
  ];
  static override changing = true;
  static override flags = {
    digest: Flags.string({
      helpValue: 'SHA256',
      summary: 'Trust only what has this digest; exit 4 for anything else.',
    }),
  };

  protected async execute(): Promise<CommandResult> {
    const [{ findFleet }, { sourcesOf }, { digestSources }, { trustSources }] = await Promise.all([
      import('../../fleet/find.js'),
      import('../../fleet/load.js'),
      import('../../fleet/dynamic/digest.js'),
      import('../../fleet/dynamic/trust.js'),
    ]);
    const { io, clock, flags } = this;
    const dir = flags.fleet === undefined ? await findFleet(io.cwd) : path.resolve(io.cwd, flags.fleet);
    const { id, sources } = await sourcesOf(dir, io);
    if (sources.length === 0)
      throw new EdgectlError('USAGE', { message: 'This fleet runs no program to find its nodes.' });
    const { digest, files } = await digestSources(dir, sources);
    if (flags.digest !== undefined && flags.digest.replace(/^sha256:/, '') !== digest)
      throw new EdgectlError('SOURCE_UNTRUSTED', {
        message: `The programs have the digest ${digest}, not ${flags.digest}.`,
      });
    const lines = [
      ...sources.map(({ file, argv }) => `${file} runs  ${argv.join(' ')}`),
      ...files.map((file) => `covers ${file}`),
      `digest ${digest}`,
    ];
    await this.say(lines.join('\n'));
    await this.confirm('Let them run whenever this fleet is read?');
    await trustSources(id, digest, io.env, new Date(clock.now()).toISOString());
    return {
      data: { digest, files, sources },
      text: () => 'Trusted until one of these files or command lines changes.',
    };
  }
}
