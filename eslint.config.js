import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** The house, in the direction data flows: a room may import only itself and rooms to its left. */
const ROOMS = [
  'platform',
  'binlog',
  'incident',
  'server',
  'archive',
  'catalog',
  'backup',
  'recovery',
  'operations',
  'cli',
];

/** The doors to the machine: only here may code see argv, environment, exit codes and signals. */
const PROCESS_ROOMS = ['platform', 'cli'];

const roomRules = ROOMS.map((room, index) => ({
  files: [`src/${room}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        paths: PROCESS_ROOMS.includes(room)
          ? []
          : ['process', 'node:process'].map((name) => ({ name, message: 'Only platform/ and cli/ touch process.' })),
        patterns: ROOMS.slice(index + 1).map((right) => ({
          group: [`**/${right}/**`],
          message: `${room}/ must not import ${right}/: data flows ${room} -> ${right}`,
        })),
      },
    ],
    'no-restricted-globals': PROCESS_ROOMS.includes(room)
      ? 'off'
      : ['error', { name: 'process', message: 'Only platform/ and cli/ touch process.' }],
  },
}));

/** A limit with an exemption on the core is no limit: there are none in src/. */
function limits({ file, func, complexity }) {
  const count = { skipBlankLines: true, skipComments: true };
  return {
    'max-lines': ['error', { max: file, ...count }],
    'max-lines-per-function': func === null ? 'off' : ['error', { max: func, ...count }],
    complexity: ['error', complexity],
  };
}

export default defineConfig(
  { ignores: ['dist/', 'node_modules/', '.cache/', 'fixtures/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  { files: ['**/*.{js,mjs}'], extends: [tseslint.configs.strict] },
  { rules: { eqeqeq: 'error', 'prefer-const': 'error' } },
  { files: ['src/**/*.ts'], rules: { 'no-console': 'error', ...limits({ file: 300, func: 60, complexity: 12 }) } },
  { files: ['bench/**', 'scripts/**'], rules: limits({ file: 300, func: 60, complexity: 12 }) },
  { files: ['test/**/*.ts'], rules: limits({ file: 500, func: null, complexity: 12 }) },
  ...roomRules,
);
