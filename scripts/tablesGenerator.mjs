#!/usr/bin/env node
// A generator of Prisma's: how each model lies in the database, as src/generated/tables.ts. The client knows it, too, but
// keeps it to itself.
import { writeFileSync } from 'node:fs';
import helper from '@prisma/generator-helper';

/** What columns are in PostgreSQL, where no `@db.` says so. */
const USUAL = {
  String: 'text',
  Boolean: 'boolean',
  Int: 'integer',
  BigInt: 'bigint',
  Float: 'double precision',
  Decimal: 'numeric',
  DateTime: 'timestamp',
  Json: 'jsonb',
  Bytes: 'bytea',
};

helper.generatorHandler({
  onManifest: () => ({ prettyName: 'Tables', defaultOutput: '../src/generated/tables.ts' }),
  onGenerate: async ({ generator, dmmf }) => {
    const { models, enums } = dmmf.datamodel;
    const enumNames = new Map(enums.map(({ name, dbName }) => [name, dbName ?? name]));
    const tables = Object.fromEntries(
      models.map(({ name, dbName, fields }) => [
        name,
        {
          table: dbName ?? name,
          columns: Object.fromEntries(
            fields
              .filter(({ kind }) => kind !== 'object')
              .map((field) => [field.name, columnOf(field, enumNames)]),
          ),
          relations: Object.fromEntries(
            fields
              .filter(({ kind }) => kind === 'object')
              .map((field) => [field.name, relationOf(field, models)]),
          ),
        },
      ]),
    );
    writeFileSync(
      generator.output.value,
      `import type { Tables } from '../db/reader/tables.ts';\n\nexport const tables: Tables = ${JSON.stringify(tables, null, 1)};\n`,
    );
  },
});

function columnOf({ name, dbName, kind, type, isList, isRequired, nativeType }, enumNames) {
  const scalar = kind === 'enum' ? 'Enum' : type;
  // Without its precision: what a column is compared with is not to be rounded.
  const sqlType =
    kind === 'enum' ? `"${enumNames.get(type)}"` : (nativeType?.[0].toLowerCase() ?? USUAL[type]);
  return { column: dbName ?? name, scalar, sqlType, isList, isNullable: !isRequired };
}

/** The columns that tie both together, as fields: those of this model, and those of the other. */
function relationOf({ type, isList, relationName, relationFromFields, relationToFields }, models) {
  if (relationFromFields?.length)
    return { model: type, isList, from: relationFromFields, to: relationToFields };
  const back = models
    .find(({ name }) => name === type)
    .fields.find((field) => field.relationName === relationName && field.relationFromFields?.length);
  return { model: type, isList, from: back.relationToFields, to: back.relationFromFields };
}
