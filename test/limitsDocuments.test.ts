/** The operations that come with the project are within the limits that the server has by default. */
import { readdirSync, readFileSync } from 'node:fs';
import { Kind, parse, print, type DocumentNode, type TypeNode } from 'graphql';
import { describe, expect, test } from 'vitest';
import * as generated from '../src/generated/gql/graphql.ts';
import { documentSize } from '../src/http/limits/documentSize.ts';
import { DEFAULT_LIMITS } from '../src/http/limits/limits.ts';
import { schema } from '../src/schema/index.ts';

const root = new URL('../', import.meta.url);
const filesIn = (folder: string, suffix: string) =>
  readdirSync(new URL(folder, root))
    .filter((name) => name.endsWith(suffix))
    .map((name) => `${folder}${name}`);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

const documents = new Map(Object.entries(generated));

/** The operations of a program, as they are sent. */
function operationsOf(path: string): [string, string][] {
  const names = [...read(path).matchAll(/^ {2}(?:query|mutation|subscription) (\w+)/gm)].map(
    ([, name]) => name,
  );
  return names.map((name) => {
    const document: unknown = documents.get(`${name}Document`);
    if (!isDocument(document)) throw new Error(`${path} has an operation ${name} that is not generated`);
    return [`${path} ${name}`, print(document)];
  });
}

function isDocument(value: unknown): value is DocumentNode {
  return value instanceof Object && 'kind' in value && value.kind === Kind.DOCUMENT;
}

const OPERATIONS = [
  ...[...filesIn('src/cli/', '.ts'), ...filesIn('examples/client/', '.ts')].flatMap(operationsOf),
  ...filesIn('examples/', '.graphql').map((path): [string, string] => [path, read(path)]),
];

/** The largest value of each variable that may be a page's size. */
function largestPages(document: DocumentNode): Record<string, number> {
  const isInt = (type: TypeNode): boolean =>
    type.kind === Kind.NON_NULL_TYPE
      ? isInt(type.type)
      : type.kind === Kind.NAMED_TYPE && type.name.value === 'Int';
  const variables = document.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION ? (definition.variableDefinitions ?? []) : [],
  );
  return Object.fromEntries(
    variables.filter(({ type }) => isInt(type)).map(({ variable }) => [variable.name.value, 100]),
  );
}

describe('with the largest pages', () => {
  test.each(OPERATIONS)('%s is within the limits', (_name, text) => {
    expect(text.length).toBeLessThan(DEFAULT_LIMITS.bodyBytes);
    const document = parse(text, { maxTokens: DEFAULT_LIMITS.tokens });
    const size = documentSize(schema, document, largestPages(document));
    for (const measure of ['depth', 'aliases', 'directives', 'complexity'] as const) {
      expect(size[measure], measure).toBeLessThanOrEqual(DEFAULT_LIMITS[measure]);
    }
  });
});

test('none is left out', () => {
  const programs = filesIn('src/cli/', '.ts').filter((path) => read(path).includes('graphql(`'));
  for (const path of [...programs, 'examples/client/follow.ts', ...filesIn('examples/', '.graphql')]) {
    expect(
      OPERATIONS.some(([name]) => name.startsWith(path)),
      path,
    ).toBe(true);
  }
});
