/** Rules of the house: docs/concepts/architecture.md names the rooms and what each may import. */
const only = (name, packages, rooms, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: '^src/', pathNot: rooms },
  to: { path: packages.map((one) => `node_modules/${one}/`) },
});
const room = (name, may, comment) => ({
  name: `${name}-imports`,
  severity: 'error',
  comment,
  from: { path: `^src/${name}/` },
  // Types alone tie nothing together at run time.
  to: {
    path: '^src/',
    pathNot: [`^src/${name}/`, ...may.map((one) => `^src/${one}/`)],
    dependencyTypesNot: ['type-only'],
  },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'nobody-imports-commands',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/commands/' },
      to: { path: '^src/commands/' },
    },
    {
      name: 'commands-do-not-import-commands',
      severity: 'error',
      from: { path: '^src/commands/(.+)$' },
      to: { path: '^src/commands/', pathNot: '^src/commands/$1$' },
    },
    only('only-transport-uses-ssh2', ['ssh2'], ['^src/transport/', '^src/lab/'], 'The lab runs ssh2 servers.'),
    only(
      'only-transport-registry-fetch-use-undici',
      ['undici'],
      ['^src/transport/', '^src/registry/', '^src/bundle/(fetch|http)'],
      '',
    ),
    only('only-process-uses-execa', ['execa'], ['^src/process/'], ''),
    only('only-seal-uses-age', ['age-encryption'], ['^src/seal/'], ''),
    only('only-render-uses-chalk-and-listr2', ['chalk', 'listr2', '@inquirer/prompts'], ['^src/render/'], ''),
    only('only-journal-uses-database-drivers', ['better-sqlite3', 'kysely'], ['^src/journal/'], ''),
    only('only-cli-and-commands-use-oclif', ['@oclif/core'], ['^src/cli/', '^src/commands/'], ''),
    {
      name: 'pure-rooms-do-no-io',
      severity: 'error',
      comment: 'actions, plan and drift are data in, data out.',
      from: { path: '^src/(actions|plan|drift)/' },
      to: {
        path: [
          '^(node:)?(fs|fs/promises|net|http|https|child_process|dns|tls|worker_threads|os|process)$',
          '^src/(transport|journal|executor|process|bundle|registry|lab|cli|render)/',
        ],
        dependencyTypesNot: ['type-only'],
      },
    },
    room('errors', [], 'The bottom of the house.'),
    room('util', ['errors'], ''),
    room('process', ['errors', 'util'], ''),
    room('fleet', ['errors', 'util', 'process'], 'Where desired state came from is asked of git.'),
    room('transport', ['errors', 'util', 'process', 'fleet'], ''),
    room(
      'node',
      ['transport', 'errors', 'util', 'plan', 'fleet', 'bundle'],
      'Targets come from the fleet, payloads from the bundle store.',
    ),
    room('seal', ['errors', 'util'], 'TPM structures and encryption know neither nodes nor fleets.'),
    room(
      'secrets',
      ['errors', 'util', 'fleet', 'keys', 'seal', 'plan'],
      'What the repository keeps of enrolled nodes and secrets; reaches no node.',
    ),
    room('keys', ['errors', 'util', 'process', 'fleet', 'seal'], ''),
    room(
      'bundle',
      ['errors', 'util', 'process', 'fleet', 'keys', 'registry'],
      'A registry is one of the places bundles come from.',
    ),
    room('registry', ['errors', 'util', 'process'], 'Credential helpers are programs.'),
    room(
      'cache',
      ['registry', 'node', 'fleet', 'plan', 'errors', 'util'],
      'Plans by registries and sites; scripts go out through the node client.',
    ),
    room('journal', ['plan', 'errors', 'util'], ''),
    room('drift', ['fleet', 'plan', 'errors', 'util'], 'What was observed comes in as data.'),
    room('render', ['plan', 'executor', 'errors', 'util'], ''),
    {
      name: 'render-takes-only-events-from-the-executor',
      severity: 'error',
      from: { path: '^src/render/' },
      to: { path: '^src/executor/', pathNot: '^src/executor/events\\.ts$' },
    },
    {
      name: 'executor-does-not-print',
      severity: 'error',
      from: { path: '^src/executor/' },
      to: { path: '^src/(render|cli|commands)/' },
    },
    {
      name: 'nothing-below-knows-the-command-line',
      severity: 'error',
      from: { path: '^src/(?!cli/|commands/)' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'the-lab-stays-apart',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/lab/', '^src/commands/lab/'] },
      to: { path: '^src/lab/' },
    },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      from: { path: '^(src|bin)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'type-only'], pathNot: 'node_modules/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
