// Writes oclif.manifest.json: sorted, with the flags that each command really takes.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';
import { effectiveFlags } from '../dist/cli/flags.js';

const root = fileURLToPath(new URL('../', import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const plugin = new Plugin({
  root,
  type: 'core',
  ignoreManifest: true,
  errorOnManifestCreate: true,
  respectNoCacheDefault: true,
});
await plugin.load();

const sorted = (value) =>
  Array.isArray(value)
    ? value.map(sorted)
    : value !== null && typeof value === 'object'
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, inner]) => [key, sorted(inner)]),
        )
      : value;
const commands = Object.fromEntries(
  Object.entries(plugin.manifest.commands).map(([id, command]) => {
    const {
      flags,
      args,
      aliases,
      description,
      summary,
      examples,
      changing = false,
      hidden,
      hiddenAliases,
      strict,
      usage,
    } = command;
    const { isESM, relativePath, pluginAlias, pluginName, pluginType } = command;
    // Order of args is their meaning, so it is kept.
    return [
      id,
      {
        ...sorted({
          aliases,
          changing,
          description,
          examples,
          flags: effectiveFlags(flags, changing),
          hidden,
          hiddenAliases,
          id,
          strict,
          summary,
          usage,
        }),
        ...{ args, hasDynamicHelp: false, isESM, pluginAlias, pluginName, pluginType, relativePath },
      },
    ];
  }),
);
writeFileSync(`${root}oclif.manifest.json`, `${JSON.stringify({ commands: orderKeys(commands), version }, null, 2)}\n`);

function orderKeys(object) {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
