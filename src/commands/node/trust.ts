import { Args, Flags } from '@oclif/core';
import type { CommandResult } from '../../cli/base.js';
import { BaseCommand } from '../../cli/base.js';
import { EdgectlError } from '../../errors/error.js';

export default class NodeTrust extends BaseCommand<typeof NodeTrust> {
  static override summary = 'Pin the host keys of nodes after showing their fingerprints.';
  static override description =
    'Asks each node for all of its host keys, shows the fingerprints and writes them to the fleet’s known_hosts after a yes. Compare them with what the node’s console shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub): --yes believes the network. Nobody logs in, nothing is sent. Keys that differ from pinned ones need --replace.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> edge-001',
    '<%= config.bin %> <%= command.id %> edge-001 --replace',
    '<%= config.bin %> <%= command.id %> --bastion hop-eu',
  ];
  static override changing = true;
  static override args = { node: Args.string({ multiple: true, description: 'Nodes or patterns.' }) };
  static override flags = {
    all: Flags.boolean({ summary: 'Every node of the fleet.' }),
    on: Flags.string({ summary: 'Nodes that this selector matches.', helpValue: 'SELECTOR' }),
    bastion: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'NAME',
      summary: 'A bastion of the fleet.',
    }),
    direct: Flags.boolean({
      summary: 'Ask nodes that call home at their address, before they call for the first time.',
    }),
    replace: Flags.boolean({ summary: 'Replace pinned keys by those the node offers now.' }),
  };

  protected async execute(): Promise<CommandResult> {
    const fleet = await this.fleet();
    const { chosenNodes } = await import('../../node/chosen-nodes.js');
    const { bastionsOf, inspectTrust, pinFindings } = await import('../../node/trust.js');
    const { trustWay } = await import('../../node/open.js');
    const { trustLines, trustRefusal, trustRows } = await import('../../node/trust-report.js');
    const { on, all, bastion = [] } = this.flags;
    const names = this.args.node ?? [];
    const onlyBastions = bastion.length > 0 && names.length === 0 && on === undefined && !all;
    const nodes = onlyBastions ? [] : chosenNodes(fleet, { names, on, all, emptyMeansAll: false });
    const { atItsAddress } = await import('../../node/target.js');
    const { way, close } = trustWay(fleet, { env: this.io.env });
    const { signal } = this;
    const asked = this.flags.direct ? nodes.map(atItsAddress) : nodes;
    const hosts = [...bastionsOf(fleet, bastion), ...asked];
    const findings = await inspectTrust(fleet.knownHostsFile, hosts, { signal, way }).finally(close);
    const refusal = trustRefusal(findings, this.flags.replace);
    if (refusal !== undefined) throw new EdgectlError(refusal.code, refusal);
    const wanted = findings.filter(({ state }) => state === 'new' || state === 'changed');
    const absent = findings.filter(({ state }) => state === 'unreachable');
    if (wanted.length > 0) {
      await this.say(trustLines(wanted).join('\n'));
      await this.confirm(`Trust these keys of ${wanted.map(({ node }) => node).join(', ')}?`);
      await pinFindings(fleet.knownHostsFile, wanted);
    }
    const rows = trustRows(findings);
    return {
      data: { knownHosts: fleet.knownHostsFile, nodes: rows },
      rows,
      exitCode: absent.length > 0 ? 3 : 0,
      text: (ui) => {
        const lines = absent.map(
          ({ node, failure }) => `${ui.theme.bad(failure?.kind ?? '')}  ${node}: ${failure?.message ?? ''}`,
        );
        const same = findings.length - wanted.length - absent.length;
        const verdict = `${wanted.length} pinned, ${same} known already, ${absent.length} out of reach`;
        return [...lines, `${verdict} (${fleet.knownHostsFile})`].join('\n');
      },
    };
  }
}
