import { readFileSync } from 'node:fs';
import {
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../src/schema/index.ts';

interface Described {
  name: string;
  description?: string | null | undefined;
}

/** Everything of the schema that a reader may ask about, under its path. */
function* everything(): Generator<[path: string, what: Described]> {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isIntrospectionType(type) || isSpecifiedScalarType(type)) continue;
    yield [type.name, type];
    if (isEnumType(type)) for (const value of type.getValues()) yield [`${type.name}.${value.name}`, value];
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) yield [`${type.name}.${field.name}`, field];
    }
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        yield [`${type.name}.${field.name}`, field];
        for (const argument of field.args) yield [`${type.name}.${field.name}(${argument.name})`, argument];
      }
    }
  }
}

const words = (text: string): string[] =>
  Array.from(
    text
      .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .matchAll(/[a-z]+/g),
    ([word]) => word,
  );

test('schema.graphql is the schema, sorted', () => {
  const printed = `${printSchema(lexicographicSortSchema(schema))}\n`;
  expect(readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8')).toBe(printed);
});

test('everything in the schema is described', () => {
  const bare = [...everything()].filter(([, { description }]) => !description?.trim()).map(([path]) => path);
  expect(bare).toEqual([]);
});

test('no description only repeats the name', () => {
  const filler = new Set([
    'the',
    'a',
    'an',
    'of',
    'this',
    'its',
    'type',
    'field',
    'input',
    'is',
    'for',
    'to',
  ]);
  const empty = [...everything()].filter(([, { name, description }]) => {
    const said = words(description ?? '').filter((word) => !filler.has(word));
    return said.every((word) => words(name).includes(word));
  });
  expect(empty.map(([path, { description }]) => `${path}: ${description}`)).toEqual([]);
});

test('descriptions are sentences', () => {
  const loose = [...everything()].filter(
    ([, { description }]) => description && !/[.!?)`]$/.test(description.trim()),
  );
  expect(loose.map(([path, { description }]) => `${path}: ${description}`)).toEqual([]);
});
