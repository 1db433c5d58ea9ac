import path from 'node:path';
import { EdgectlError } from '../errors/error.js';
import type { Assembled, AssembleOptions } from '../fleet/import/assemble.js';
import type { Imported } from '../fleet/import/model.js';
import type { ImportFormat } from '../fleet/import/read-sources.js';
import { remarkLine } from '../fleet/import/import-fleet.js';
import type { Ui } from '../render/ui.js';

/** The flags of `fleet import` that say how sources are read. */
export interface ImportFlags {
  format?: string | undefined;
  'site-from'?: string | undefined;
  'region-from'?: string | undefined;
  name?: string | undefined;
  labels: string;
  host?: string[] | undefined;
  'keep-bastions': boolean;
  'playbook-dir'?: string | undefined;
  column?: string[] | undefined;
  separator?: string | undefined;
}

/** Everything that `fleet import` needs before it writes; throws USAGE for flags that mean nothing. */
export async function importSetup(
  sources: readonly string[],
  flags: ImportFlags,
  where: { cwd: string; user: { name: string; home: string } },
): Promise<{ name: string; options: AssembleOptions; read: () => Promise<Imported[]> }> {
  const [{ formatOf, readSources }, { parsePlaceRule }, { parsePattern }, { expandName }] = await Promise.all([
    import('../fleet/import/read-sources.js'),
    import('../fleet/import/places.js'),
    import('../fleet/name-pattern.js'),
    import('../fleet/import/expand-name.js'),
  ]);
  const paths = sources.map((source) => path.resolve(where.cwd, source));
  const columns = (flags.column ?? []).map((text) => {
    const [, field, title] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (field === undefined || title === undefined)
      throw new EdgectlError('USAGE', { message: `“${text}” is no FIELD=TITLE.` });
    return [field, title] as const;
  });
  const format = flags.format as ImportFormat | undefined;
  const keep = flags.labels === '' ? undefined : parsePattern(flags.labels);
  const siteFrom = flags['site-from'] === undefined ? undefined : parsePlaceRule(flags['site-from']);
  const regionFrom = flags['region-from'] === undefined ? undefined : parsePlaceRule(flags['region-from']);
  const playbookDir = flags['playbook-dir'];
  return {
    name: flags.name ?? format ?? (await formatOf(paths[0] ?? '')),
    options: {
      localUser: where.user.name,
      keepLabel: (name) => keep?.matches(name) ?? false,
      ...(siteFrom === undefined ? {} : { siteFrom }),
      ...(regionFrom === undefined ? {} : { regionFrom }),
    },
    read: async () =>
      await readSources({
        sources: paths,
        hosts: (flags.host ?? []).flatMap(expandName),
        keepBastions: flags['keep-bastions'],
        columns: Object.fromEntries(columns),
        user: where.user,
        ...(format === undefined ? {} : { format }),
        ...(playbookDir === undefined ? {} : { playbookDir: path.resolve(where.cwd, playbookDir) }),
        ...(flags.separator === undefined ? {} : { separator: flags.separator === '\\t' ? '\t' : flags.separator }),
      }),
  };
}

/** What an import found, what it leaves out and where, for people. */
export function importedText(
  report: { assembled: Assembled; file: string; base: string; dry: boolean },
  ui: Ui,
): string {
  const { assembled } = report;
  const word = {
    error: ui.theme.bad('not understood'),
    'left-out': ui.theme.warn('left out'),
    note: ui.theme.dim('note'),
  };
  const lines = assembled.remarks.map((remark) => `${word[remark.level]}  ${remarkLine(remark, report.base)}`);
  const { nodes, sites, bastions } = assembled;
  const count = `${nodes.size} nodes, ${sites.size} sites, ${bastions.size} bastions for ${report.file}`;
  return [...lines, ...(lines.length > 0 ? [''] : []), count].join('\n');
}
