/**
 * Prints the test files that run on the embedded database too where `npm test` ran on a PostgreSQL server: those of what
 * the two do differently, and of what everybody does with the embedded one. What the others test is the same SQL from
 * the same client on either. Put a file here when it tests what src/db does by itself on one of the two.
 */

/** By what is different there, the names of the files without `.test.ts`. */
const CHOSEN: Record<string, readonly string[]> = {
  'It is opened, migrated, maintained and closed by the process itself, and lost with it': [
    'backup',
    'database',
    'growth',
    'httpFailing',
    'httpShutdown',
    'metrics',
    'migrations',
  ],
  'Its directory is one process’s at a time, and whole after that was killed': [
    'cli/keys',
    'crash',
    'erasureCrash',
    'exportCrash',
    'runRestart',
  ],
  'It has one connection, so that what is side by side on a server waits for its turn': [
    'clientGone',
    'cursorGone',
    'exportBlocks',
    'fuzz',
    'operationTimeout',
    'reviewQueue',
    'reviewsInterleaved',
    'runPoller',
    'runPollerMany',
    'runWorker',
    'runWorkerLease',
    'tenancy',
    'tenancyLocks',
    'tenantStatements',
  ],
  'That connection hears its own notifications, before the answer to the COMMIT that sent them': [
    'responseCache',
    'runFeed',
    'sse',
    'subscriptions',
    'subscriptionsSocket',
  ],
  'What is read and written in bulk goes through the memory of its thread': [
    'collect',
    'collectMany',
    'duplicates',
    'erasure',
    'exportService',
    'exportWriting',
    'exports',
    'exportsReference',
    'httpImports',
    'httpImportsExamples',
    'httpImportsLarge',
    'personalData/scan',
  ],
  'It is PostgreSQL of another version and build: of how it sorts and compares texts and times': [
    'callsList',
    'datasetsList',
    'examplesWalk',
    'reviewStatus',
  ],
  'Who tries Tunesmith goes the whole way on it': [
    'budget',
    'calls',
    'datasets',
    'examples',
    'examplesFolder',
    'launch',
    'readme',
    'review',
    'trainingRuns',
    'trainingRunsEnd',
    'webhooks',
  ],
};

/** Those files, by their paths from the root. */
export function embeddedTests(): string[] {
  return Object.values(CHOSEN)
    .flat()
    .map((name) => `test/${name}.test.ts`);
}

if (import.meta.filename === process.argv[1]) process.stdout.write(`${embeddedTests().join('\n')}\n`);
