// The models hold no DOM, so their tests run in plain Node and start in a second.
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/labextension/test'],
  testMatch: ['**/*.spec.ts'],
  transform: {
    '^.+\\.tsx?$': ['ts-jest', { tsconfig: 'labextension/tsconfig.test.json' }]
  }
};
