const transform = {
  '^.+\\.(ts|mts)$': [
    '@swc/jest',
    {
      jsc: {
        parser: { syntax: 'typescript', decorators: true },
        target: 'es2024',
        transform: { legacyDecorator: true },
      },
      module: { type: 'es6' },
    },
  ],
};
const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts', '.mts'],
  transform,
  injectGlobals: false,
  moduleFileExtensions: ['ts', 'mts', 'js', 'mjs', 'cjs', 'json', 'node'],
};
const unit = ['<rootDir>/{core,providers,plugins,test}/**/*.test.ts'];

export default {
  testTimeout: 60_000,
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: unit,
      testPathIgnorePatterns: ['/node_modules/', '/dist/', '\\.docker\\.test\\.ts$', '<rootDir>/test/e2e/'],
    },
    {
      ...base,
      displayName: 'docker',
      testMatch: ['<rootDir>/{core,providers,plugins}/**/*.docker.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/dist/'],
    },
    {
      ...base,
      displayName: 'e2e',
      testMatch: ['<rootDir>/test/e2e/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/dist/'],
    },
  ],
};
