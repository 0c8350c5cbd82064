import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import jest from 'eslint-plugin-jest';
import { defineConfig } from 'eslint/config';
import globals from 'globals';
import tseslint from 'typescript-eslint';

import { house } from './test/lint/house.mjs';

const tests = ['**/*.test.ts', '**/testing/**/*.ts', 'test/**/*.ts'];
const plainScripts = ['**/*.mjs', '**/*.cjs', '**/*.js'];

export default defineConfig(
  {
    ignores: [
      '**/dist/',
      '**/node_modules/',
      'coverage/',
      'docs/examples/',
      'plugins/create-provider/templates/',
      'docs/reference/',
      '**/*.d.ts',
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,

  {
    files: ['**/*.ts', '**/*.mts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { house },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // Drivers and commands implement asynchronous interfaces, and some answers need no waiting.
      '@typescript-eslint/require-await': 'off',
      // A callback that does nothing on purpose is clearer empty than with a comment in it.
      '@typescript-eslint/no-empty-function': ['error', { allow: ['arrowFunctions'] }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'ExportDefaultDeclaration',
          message: 'Export by name; only commands and provider entries export a default.',
        },
        {
          selector: 'ExportAllDeclaration',
          message: 'No barrel files: only the entries of a package export for others.',
        },
        { selector: 'ImportDeclaration[source.value=/^\\.{1,2}\\/.*\\.js$/]', message: 'Relative imports end in .ts.' },
      ],
    },
  },
  {
    files: ['{core,providers,plugins}/**/src/**/*.ts'],
    ignores: tests,
    rules: {
      'house/assertion-says-why': 'error',
      'max-lines': ['warn', { max: 300, skipBlankLines: true, skipComments: true }],
      'no-console': 'error', // the engine emits events, and commands print through oclif
    },
  },
  // Where a framework finds things by their default export, or a package lists what it exports.
  { files: ['**/src/commands/**/*.ts', '**/src/hooks/**/*.ts'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['**/src/index.ts', 'core/src/provider.ts', '**/src/**/*harness.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },

  {
    files: ['**/*.test.ts'],
    extends: [jest.configs['flat/recommended']],
    settings: { jest: { version: 30, globalPackage: '@jest/globals' } },
    rules: {
      'jest/expect-expect': [
        'error',
        { assertFunctionNames: ['expect', 'expect*', 'assert*', 'fc.assert', 'eventually*'] },
      ],
      'jest/no-disabled-tests': 'error',
      'jest/no-focused-tests': 'error',
      // Lanes leave out by file what a machine can't run; a condition around one assertion is how a rejection is read.
      'jest/no-conditional-expect': 'off',
      // Helpers that make a scenario assert on what they made.
      'jest/no-standalone-expect': 'off',
    },
  },
  {
    files: tests,
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },

  {
    files: plainScripts,
    languageOptions: { globals: globals.nodeBuiltin },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: { sourceType: 'commonjs', globals: { module: 'writable', require: 'readonly' } },
  },
  prettier,
);
