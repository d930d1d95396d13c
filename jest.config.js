// The models hold no DOM, so their tests run in plain Node and start in a second.
module.exports = {
  testEnvironment: 'node',
  // Waits end as soon as what they wait for is so; a busy machine may take long to get there.
  testTimeout: 30_000,
  roots: ['<rootDir>/labextension/test'],
  testMatch: ['**/*.spec.ts'],
  transform: {
    '^.+\\.tsx?$': ['ts-jest', { tsconfig: 'labextension/tsconfig.test.json' }],
    // Shared documents come as modules only.
    'node_modules/@jupyter/ydoc/.+\\.js$': [
      'ts-jest',
      { tsconfig: { allowJs: true, module: 'commonjs' }, diagnostics: false }
    ]
  },
  transformIgnorePatterns: ['node_modules/(?!@jupyter/ydoc/)']
};
