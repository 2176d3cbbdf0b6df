/** Postcodes as they are said, where a postcode is spoken of: "zip is nine four one one oh", "postcode e h one two n g". */
import { before } from './context.ts';
import type { Finding } from './kinds.ts';
import type { NumberRun } from './numbers.ts';

const SAYS_POSTCODE =
  /\b(?:zip(?: ?code)?|post ?code|postal code)(?: number)?(?:'s| is| would be)?[\s,:]*(?:um|uh|it's|it is)?[\s,]*$/;
const SAID_ZIP = /^\d{5}(?:\d{4})?$/;
const SAID_UK = /^[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}$/;

export function spokenPostcodes(text: string, runs: { digits: NumberRun[]; mixed: NumberRun[] }): Finding[] {
  const codes = [
    ...runs.digits.filter(({ digits, spoken }) => spoken && SAID_ZIP.test(digits)),
    ...runs.mixed.filter(({ digits }) => SAID_UK.test(digits)),
  ];
  return codes
    .filter(({ start }) => SAYS_POSTCODE.test(before(text, start)))
    .map(({ start, end }) => ({ kind: 'ADDRESS', start, end, rule: 'address.spoken' }));
}
