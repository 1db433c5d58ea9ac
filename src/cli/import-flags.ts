import * as Flags from '@oclif/core/flags';

/** The flags of `fleet import`. */
export const importFlags = {
  format: Flags.string({
    options: ['ansible', 'ssh-config', 'csv'],
    summary: 'What the sources are; found out when absent.',
  }),
  'site-from': Flags.string({ helpValue: 'RULE', summary: 'Sites: group:site_*, label:KEY, name:*-*, fixed:NAME.' }),
  'region-from': Flags.string({ helpValue: 'RULE', summary: 'Regions, likewise.' }),
  name: Flags.string({ helpValue: 'NAME', summary: 'Name of the file in nodes/; the format when absent.' }),
  labels: Flags.string({ helpValue: 'GLOB', default: '*', summary: 'Variables to keep as labels; "" keeps none.' }),
  host: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'NAME',
    summary: 'ssh_config: hosts that only patterns cover; ranges work.',
  }),
  'keep-bastions': Flags.boolean({ summary: 'ssh_config: jump hosts are nodes too.' }),
  'playbook-dir': Flags.string({
    helpValue: 'DIR',
    summary: 'Ansible: group_vars and host_vars beside the playbooks.',
  }),
  column: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'FIELD=TITLE',
    summary: 'CSV: which column is name, address, port, …',
  }),
  separator: Flags.string({ helpValue: 'CHARACTER', summary: 'CSV: found out when absent.' }),
  partial: Flags.boolean({ summary: 'Import what was understood and leave the rest out.' }),
  'dry-run': Flags.boolean({ summary: 'Show what would be written.' }),
};
