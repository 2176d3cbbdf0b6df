/** What is asked of a row, as one JSON array of it, and how such an array becomes what Prisma would have given. */
import { Prisma } from '../../generated/prisma/client.ts';
import { columnSql, Unsupported, type Place } from './statement.ts';
import type { Column } from './tables.ts';

type Read = (json: unknown) => unknown;

export interface Shape {
  sql: string;
  read: Read;
}

export interface Part extends Shape {
  name: string;
}

/** A row of these parts. */
export function partsShape(parts: readonly Part[]): Shape {
  return {
    sql: `json_build_array(${parts.map(({ sql }) => sql).join(', ')})`,
    read(json) {
      if (json === null) return null;
      const cells = listOf(json);
      const row: Record<string, unknown> = {};
      let n = 0;
      for (const { name, read } of parts) {
        row[name] = read(cells[n]);
        n += 1;
      }
      return row;
    },
  };
}

/** A row of these columns. */
export function columnsShape(place: Place, names: readonly string[]): Shape {
  return partsShape(names.map((name) => ({ name, ...columnShape(place, name) })));
}

const asItIs: Read = (json) => json;

/** Of what JSON has no word for, or none that is exact. */
const READS: Readonly<
  Partial<Record<Column['scalar'], { sql: (sql: string) => string; read: (text: string) => unknown }>>
> = {
  DateTime: { sql: (sql) => sql, read: (text) => new Date(text) },
  BigInt: { sql: (sql) => `${sql}::text`, read: BigInt },
  Decimal: { sql: (sql) => `${sql}::text`, read: (text) => new Prisma.Decimal(text) },
  Bytes: {
    sql: (sql) => `encode(${sql}, 'hex')`,
    read: (text) => new Uint8Array(Buffer.from(text, 'hex')),
  },
};

export function columnShape(place: Place, name: string): Shape {
  const sql = columnSql(place, name);
  const { scalar, isList } = place.table.columns[name] ?? {};
  const special = scalar && READS[scalar];
  if (!special) return { sql, read: asItIs };
  if (isList) throw new Unsupported('A list of something');
  return {
    sql: special.sql(sql),
    read: (json) => (typeof json === 'string' ? special.read(json) : null),
  };
}

export function listOf(json: unknown): readonly unknown[] {
  if (!Array.isArray(json)) throw new Error('The database gave something other than a list');
  return json;
}
