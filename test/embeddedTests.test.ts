/** Which test files use the tests’ database, and which of them run on the embedded one too where that is a server. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { embeddedTests } from '../scripts/embeddedTests.ts';
import { databaseTests, filesUnder } from './support/databaseTests.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));

function sources(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'tunesmith-database-tests-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

test('a file that can reach the tests’ database, by whatever way, is found', () => {
  const root = sources({
    'test/support/database.ts': `export const server = process.env['TEST_DATABASE_URL'];`,
    'test/support/server.ts': `import { server } from './database.ts'; import '../../src/app.ts';`,
    'src/app.ts': `import './app.ts';`,
    'tools/soak.ts': `import '../test/support/server.ts';`,
    'test/reads.test.ts': `process.env.TEST_DATABASE_URL`,
    'test/imports.test.ts': `import {\n  server,\n} from './support/database.ts';`,
    'test/deep/imports.test.ts': `import { shared } from "../support/server.ts";`,
    'test/later.test.ts': `await import('./support/server.ts');`,
    'test/child.test.ts': `spawn(fileURLToPath(new URL('support/server.ts', import.meta.url)))`,
    'test/program.test.ts': `spawn('node', ['tools/soak.ts'])`,
    'test/rules.test.ts': `import { rule } from '../src/app.ts'; import 'vitest';`,
    'test/deep/rules.test.ts': `expect(name).toBe('gone.ts');`,
  });
  expect(databaseTests(root)).toEqual([
    'test/child.test.ts',
    'test/deep/imports.test.ts',
    'test/imports.test.ts',
    'test/later.test.ts',
    'test/program.test.ts',
    'test/reads.test.ts',
  ]);
});

test('here the tests of the API do, and those of rules and of the command line do not', () => {
  const both = databaseTests(repository);
  for (const name of ['tenancy', 'migrations', 'soak', 'crash', 'cli/keys', 'cli/operations'])
    expect(both).toContain(`test/${name}.test.ts`);
  for (const name of ['price', 'personalData/detectors', 'cli/demo', 'cli/usage'])
    expect(both).not.toContain(`test/${name}.test.ts`);
});

test('who opens a database opens the tests’, but for the tests of the embedded one’s lock', () => {
  const opening = filesUnder(repository, 'test', '.ts').filter((name) =>
    /\bopenDatabase\(/.test(readFileSync(join(repository, name), 'utf8')),
  );
  const both = databaseTests(repository, opening);
  expect(opening.filter((name) => !both.includes(name))).toEqual([
    'test/lock.test.ts',
    'test/support/databaseChild.ts',
  ]);
});

test('what runs on both is there, once, and does not do the same twice', () => {
  const chosen = embeddedTests();
  expect(chosen).toEqual([...new Set(chosen)]);
  const able = databaseTests(repository);
  expect(chosen.filter((name) => !able.includes(name))).toEqual([]);
});

test('what only runs on the embedded one does so in CI', () => {
  const only = filesUnder(repository, 'test', '.test.ts').filter((name) =>
    /\.skipIf\(process\.env\['TEST_DATABASE_URL'\]\)/.test(readFileSync(join(repository, name), 'utf8')),
  );
  expect(only).not.toEqual([]);
  expect(embeddedTests()).toEqual(expect.arrayContaining(only));
});
