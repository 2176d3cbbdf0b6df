import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes tens of seconds comes first, so that no worker is left alone with it at the end. */
const LONGEST = [
  'test/benchmarks.test.ts',
  'test/crash.test.ts',
  'test/cli/demo.test.ts',
  'test/httpImportsLarge.test.ts',
  'test/cli/usage.test.ts',
];

function place({ moduleId }: TestSpecification): number {
  const index = LONGEST.findIndex((name) => moduleId.endsWith(name));
  return index === -1 ? LONGEST.length : index;
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const usual = await super.sort(files); // oxlint-disable-line unicorn/no-array-sort -- vitest's own
    return usual.toSorted((a, b) => place(a) - place(b));
  }
}

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
    sequence: { sequencer: LongestFirst },
    // The first test of a process waits for the server; on a busy machine that takes its time.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Shared CI machines stall for seconds at times; what is wrong fails twice in a row.
    retry: process.env['CI'] ? 1 : 0,
  },
});
