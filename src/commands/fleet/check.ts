import { Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';

export default class FleetCheck extends BaseCommand<typeof FleetCheck> {
  static override summary = 'Check every file of the fleet repository, and its policies against its nodes.';
  static override description =
    'Errors in a file are told with line and column and end with 64. Findings that load but cannot be meant end with 1; warnings with 0, or with 1 under --strict. Contacts no node, unless --live asks what each allows: its init, ssh-keygen and tools decide what is refused there. That changes nothing and needs no privilege; nodes out of reach end with 3.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --strict --json',
    '<%= config.bin %> <%= command.id %> --live --login root --on site=berlin',
  ];
  static override flags = {
    live: Flags.boolean({ summary: 'Also ask each node what can be done with it.' }),
    on: Flags.string({ helpValue: 'SELECTOR', dependsOn: ['live'], summary: 'Only nodes that this selector matches.' }),
    login: Flags.string({ helpValue: 'USER', dependsOn: ['live'], summary: 'Log in as this user for once.' }),
    strict: Flags.boolean({ summary: 'Warnings, and nodes that refuse rollouts, end with 1 too.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { checkFleet } = await import('../../plan/check-fleet.js');
    const { findPrivateKeys } = await import('../../fleet/private-keys.js');
    const findings = [...(await findPrivateKeys(fleet.dir)), ...checkFleet(fleet)];
    const errors = findings.filter((finding) => finding.level === 'error').length;
    const warnings = findings.length - errors;
    const { liveText } = await import('../../facts/live.js');
    const { lookLive } = await import('../../operations/look-live.js');
    const { on, login } = this.flags;
    const how = { env: this.io.env, on, login, now: () => this.clock.now(), signal: this.signal };
    const live = this.flags.live ? await lookLive(fleet, how) : undefined;
    const wrong = errors > 0 || (this.flags.strict && (warnings > 0 || live?.refused === true));
    const exitCode = wrong ? 1 : (live?.exitCode ?? 0);
    const policies = [...fleet.policies.keys()];
    return {
      data: {
        fleet: { id: fleet.id, name: fleet.name, digest: fleet.digest },
        errors,
        warnings,
        findings,
        ...(live && { nodes: live.rows }),
      },
      exitCode,
      text: (ui) => {
        const lines = findings.map((finding) => {
          const level = finding.level === 'error' ? ui.theme.bad('error  ') : ui.theme.warn('warning');
          return `${level}  ${finding.file}: ${finding.message}  ${ui.theme.dim(finding.rule)}`;
        });
        const what = `${fleet.name}: ${fleet.nodes.length} nodes, ${fleet.runtimes.length} runtimes, policies ${policies.join(', ')}`;
        const verdict = findings.length === 0 ? 'no findings' : `${errors} errors, ${warnings} warnings`;
        const seen = live === undefined ? [] : [liveText(live.rows, ui), ''];
        return [...seen, ...lines, ...(lines.length > 0 ? [''] : []), `${what}; ${verdict}`].join('\n');
      },
    };
  }
}
