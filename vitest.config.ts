import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Vite would load graphql's ES modules where Node loads its CommonJS, and there would be two GraphQLErrors.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/globalSetup.ts'],
    // Files share a process, and with it the one server that test/support/server.ts starts; tests share nothing else.
    pool: 'forks',
    isolate: false,
    maxWorkers: 2,
    // The first test of a process waits for the server; on a busy machine that takes its time.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Shared CI machines stall for seconds at times; what is wrong fails twice in a row.
    retry: process.env['CI'] ? 1 : 0,
  },
});
