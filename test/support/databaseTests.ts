/**
 * Which test files use the server that TEST_DATABASE_URL names. The others do the same on either kind of database. Nobody
 * keeps a list: a file belongs here when it names the variable, or when a file that it imports or starts does.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const VARIABLE = 'TEST_DATABASE_URL';
/** What is imported, and programs that are started: by their path from the file's own directory, or from the root. */
const NAMED_FILE = /(['"`])([\w./-]+\.m?[jt]s)\1/g;

/** Those of the files, all test files unless said, by their paths from the root. */
export function databaseTests(root: string, files = filesUnder(root, 'test', '.test.ts')): string[] {
  const known = new Map<string, SourceFile>();
  const source = (path: string): SourceFile => {
    const file = known.get(path) ?? readSource(root, path);
    known.set(path, file);
    return file;
  };
  const uses = (first: string): boolean => {
    const reached = new Set([join(root, first)]);
    for (const path of reached) {
      const { usesVariable, names } = source(path);
      if (usesVariable) return true;
      for (const name of names) reached.add(name);
    }
    return false;
  };
  return files.filter(uses);
}

/** The files of a directory whose names end so, by their paths from the root. */
export function filesUnder(root: string, directory: string, end: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(end))
    .map((name) => join(directory, name))
    .toSorted();
}

interface SourceFile {
  usesVariable: boolean;
  names: string[];
}

function readSource(root: string, path: string): SourceFile {
  const text = readFileSync(path, 'utf8');
  const names = [...text.matchAll(NAMED_FILE)].flatMap(([, , name = '']) =>
    [resolve(dirname(path), name), resolve(root, name)].filter(isFile),
  );
  return { usesVariable: text.includes(VARIABLE), names };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
