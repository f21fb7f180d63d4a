// Two projects: `unit` needs nothing but this machine; `e2e` needs the embedded cluster (test/cluster).
const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2024', experimental: { keepImportAttributes: true } }, module: { type: 'es6' } }] },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/charts'],
};
export default {
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/test/**/*.test.ts'], setupFilesAfterEnv: ['<rootDir>/test/support/patience.ts'], testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/e2e/', '<rootDir>/test/chaos/'] },
    { ...shared, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.test.ts'], globalSetup: '<rootDir>/test/e2e/start.ts', globalTeardown: '<rootDir>/test/e2e/end.ts', setupFilesAfterEnv: ['<rootDir>/test/e2e/patience.ts'] },
  ],
};
