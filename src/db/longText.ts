/** Long texts on their way into a statement, past Prisma. */
import { randomUUID } from 'node:crypto';
import { Prisma } from '../generated/prisma/client.ts';
import { underWay } from '../underWay.ts';

/**
 * A long text, or the UTF-8 of one, as a value of the next statement of the transaction under way. Prisma writes the
 * values of raw SQL as JSON and reads them again before it sends them, which takes longer than making the text; so it is
 * given a name, in whose place the text is sent (tenantPool.ts). A name cannot be guessed, so no value that somebody sent
 * is taken for one.
 */
export function longText(text: string | Buffer): Prisma.Sql {
  const { longTexts } = underWay();
  if (longTexts === undefined) throw new Error('A long text belongs to no transaction');
  const name = randomUUID();
  longTexts.set(name, text);
  return Prisma.sql`${name}::text`;
}

/** The values that a statement is sent with: the texts in place of their names. */
export function withLongTexts(values: unknown[]): unknown[] {
  const { longTexts } = underWay();
  if (longTexts === undefined || longTexts.size === 0) return values;
  return values.map((value) => {
    if (typeof value !== 'string') return value;
    const text = longTexts.get(value);
    if (text === undefined) return value;
    longTexts.delete(value);
    return text;
  });
}
