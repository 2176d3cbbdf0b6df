/** A caller is known by the number of their calls. How numbers are read stands in one place: normal_phone_number() in the database. */
import type { Tx } from '../db/tenancy.ts';
import { InvalidInputError } from './errors.ts';
import { parseInput } from './input.ts';
import { storableText } from './text.ts';

/** What telephony systems write in place of a number that was withheld: it stands for many people, and for none. */
const NOBODY = new Set([
  'anonymous',
  'blocked',
  'none',
  'null',
  'private',
  'restricted',
  'unavailable',
  'unknown',
  'withheld',
  // The same words as Twilio spells them on a telephone's keys.
  '+266696687',
  '+2562533',
  '+7378742833',
  '+86282452253',
  '+8656696',
]);

const numberSchema = storableText('The number', 1000).refine(
  (text) => text.trim() !== '',
  'must not be empty',
);

/** The form by which a number's calls are found: `+1 (555) 010-0001` is `+15550100001`. Throws InvalidInputError. */
export async function callerNumber(tx: Tx, written: string, field: string): Promise<string> {
  const text = parseInput(numberSchema, written, field);
  const [row] = await tx.$queryRaw<
    { number: string | null }[]
  >`SELECT normal_phone_number(${text}) AS number`;
  const number = row?.number ?? null;
  if (number !== null && !NOBODY.has(number)) return number;
  throw new InvalidInputError([
    {
      field,
      message:
        'must be the number of one caller, such as +15550100001; calls without a number belong to nobody',
    },
  ]);
}
