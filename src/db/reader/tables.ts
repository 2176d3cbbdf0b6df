/** How models lie in the database, as scripts/tablesGenerator.mjs writes it. */

export type Scalar =
  | 'String'
  | 'Boolean'
  | 'Int'
  | 'BigInt'
  | 'Float'
  | 'Decimal'
  | 'DateTime'
  | 'Json'
  | 'Bytes'
  | 'Enum';

export interface Column {
  /** Its name in the database. */
  column: string;
  scalar: Scalar;
  sqlType: string;
  isList: boolean;
  isNullable: boolean;
}

export interface Relation {
  model: string;
  isList: boolean;
  /** The fields of this model that are equal to those of the other in `to`, one by one. */
  from: readonly string[];
  to: readonly string[];
}

export interface Table {
  table: string;
  columns: Readonly<Record<string, Column>>;
  relations: Readonly<Record<string, Relation>>;
}

export type Tables = Readonly<Record<string, Table>>;
