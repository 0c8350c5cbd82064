/** One project a lane of test/run.mjs. What a test needs of the machine is the ending of its file's name. */
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

const needs = ['docker', 'dig', 'browser', 'databases', 'databases-docker', 'root', 'reflink', 'aws'];
const needy = needs.map((need) => `\\.${need}\\.test\\.ts$`);
const everywhere = ['/node_modules/', '/dist/'];
const e2e = '<rootDir>/test/e2e/';

function lane(displayName, testMatch, testPathIgnorePatterns, more = {}) {
  return {
    displayName,
    testMatch: testMatch.map((pattern) => `<rootDir>/${pattern}`),
    testPathIgnorePatterns: [...everywhere, ...testPathIgnorePatterns],
    testEnvironment: 'node',
    extensionsToTreatAsEsm: ['.ts', '.mts'],
    transform,
    injectGlobals: false,
    moduleFileExtensions: ['ts', 'mts', 'js', 'mjs', 'cjs', 'json', 'node'],
    modulePathIgnorePatterns: ['<rootDir>/docs/examples/'],
    ...more,
  };
}

const packed = { globalSetup: '<rootDir>/test/e2e/setup.mjs', globalTeardown: '<rootDir>/test/e2e/teardown.mjs' };

export default {
  testTimeout: 60_000,
  projects: [
    lane('unit', ['{core,providers,plugins,test}/**/*.test.ts'], [...needy, e2e]),
    ...needs.map((need) => lane(need, [`{core,providers,plugins,test}/**/*.${need}.test.ts`], [e2e])),
    lane('e2e', ['test/e2e/**/*.test.ts'], needy, packed),
    lane('e2e-docker', ['test/e2e/**/*.docker.test.ts'], [], packed),
    lane('e2e-dig', ['test/e2e/**/*.dig.test.ts'], [], packed),
    lane('e2e-databases', ['test/e2e/**/*.databases.test.ts'], [], packed),
    lane('e2e-databases-docker', ['test/e2e/**/*.databases-docker.test.ts'], [], packed),
    lane('e2e-aws', ['test/e2e/**/*.aws.test.ts'], [], packed),
    lane('e2e-root', ['test/e2e/**/*.root.test.ts'], [], packed),
    lane('e2e-reflink', ['test/e2e/**/*.reflink.test.ts'], [], packed),
    lane('e2e-browser', ['test/e2e/**/*.browser.test.ts'], [], packed),
  ],
};
