/** Which way things point (docs/guide/contributing.md). A line here that has to be broken is a design question first. */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Modules that need each other are one module.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'core-stands-alone',
      comment: 'core imports no provider, no plugin, no test kit and no oclif.',
      severity: 'error',
      from: { path: '^core/' },
      to: {
        path: '^(providers|plugins|test)/|node_modules/@oclif/|node_modules/@clusternator/(?!core/)|node_modules/clusternator/',
      },
    },
    {
      name: 'providers-do-not-know-each-other',
      comment: 'A provider imports core and the SDK of its own cloud.',
      severity: 'error',
      from: { path: '^providers/([^/]+)/' },
      to: { path: '^providers/', pathNot: '^providers/$1/' },
    },
    {
      name: 'providers-load-no-engine',
      comment: 'The contract is @clusternator/core/provider: docs/decisions/0020-what-a-command-loads.md',
      severity: 'error',
      from: { path: '^providers/', pathNot: '\\.test\\.ts$|/testing/' },
      to: { path: '^core/(src|dist)/index\\.' },
    },
    {
      name: 'providers-do-not-know-plugins',
      severity: 'error',
      from: { path: '^providers/' },
      to: { path: '^(plugins|test)/', pathNot: '^test/(conformance|simulators|emulators)/' },
    },
    {
      name: 'nobody-imports-a-provider',
      comment:
        'Providers are found through oclif and the config; plugins/cli only lists the default ones in its package.json.',
      severity: 'error',
      from: { path: '^(core|plugins)/' },
      to: { path: '^providers/|node_modules/@clusternator/provider-' },
    },
    {
      name: 'plugins-do-not-know-each-other',
      severity: 'error',
      from: { path: '^plugins/([^/]+)/' },
      to: { path: '^plugins/', pathNot: '^plugins/$1/' },
    },
    {
      name: 'simulators-stand-alone',
      comment: 'A stand-in for a cloud that shares code with what it tests proves nothing.',
      severity: 'error',
      from: { path: '^test/simulators/' },
      to: { path: '^(core|providers|plugins)/|^test/(?!simulators/)' },
    },
    {
      name: 'products-do-not-import-tests',
      severity: 'error',
      from: { path: '^(core|providers|plugins)/.+/src/', pathNot: '\\.test\\.ts$|/testing/' },
      to: { path: '\\.test\\.ts$|/testing/|^test/' },
    },
    {
      name: 'through-the-front-door',
      comment:
        "Another package's inside is its own: import the package's name. The benchmark of storage drives a driver with its tests' harness.",
      severity: 'error',
      from: { path: '^(core|providers/[^/]+|plugins/[^/]+|test/[^/]+)/', pathNot: '^test/bench/storage\\.mjs$' },
      to: { path: '^(core|providers/[^/]+|plugins/[^/]+)/src/(?!(index|provider)\\.ts$)', pathNot: '^$1/' },
    },
    {
      name: 'not-in-package-json',
      severity: 'error',
      from: { path: '^(core|providers|plugins)/', pathNot: '\\.test\\.ts$|/testing/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules|/dist/' },
    exclude: {
      path: '(^|/)dist/(?!(index|provider)(\\.d\\.ts|\\.js)$)|docs/examples|create-provider/(files|templates)/',
    },
    tsConfig: { fileName: 'tsconfig.test.json' },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'] },
  },
};
