/** How numbers are read, and that nobody can be looked for who is nobody. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CallerQuery } from './support/erasure.ts';
import { newTenant, sharedServer } from './support/server.ts';

async function normal(written: (string | null)[]): Promise<(string | null)[]> {
  const { db } = await sharedServer();
  const rows = await db.asSystem(
    (tx) => tx.$queryRaw<{ number: string | null }[]>`
      SELECT normal_phone_number(value) AS number
      FROM jsonb_array_elements_text(${JSON.stringify(written)}::jsonb) WITH ORDINALITY AS listed (value, place)
      ORDER BY place`,
  );
  return rows.map(({ number }) => number);
}

test('numbers are the same however they are written, and nothing is guessed', async () => {
  const cases: [string | null, string | null][] = [
    ['+1 (555) 010-0001', '+15550100001'],
    ['+15550100001', '+15550100001'],
    ['001 555 010 0001', '+15550100001'],
    ['tel:+1-555-010-0001', '+15550100001'],
    ['whatsapp:+15550100001', '+15550100001'],
    ['sip:+15550100001@gateway.example;user=phone', '+15550100001'],
    ['＋１５５５０１００００１', '+15550100001'],
    ['\u202a+1\u00a0555\u2011010\u20110001\u202c', '+15550100001'],
    ['+49 (0) 30 / 123 45', '+493012345'],
    // Without its country's prefix a number is another one: it may be anybody's.
    ['555 010 0001', '5550100001'],
    ['1 555 010 0001', '15550100001'],
    ['030 12345', '03012345'],
    ['sip:Alice@Example.com', 'sip:alice@example.com'],
    ['Anonymous', 'anonymous'],
    ['  ', null],
    ['', null],
    ['()', '()'],
    [null, null],
  ];
  expect(await normal(cases.map(([written]) => written))).toEqual(cases.map(([, number]) => number));
});

test('marks of writing change nothing, digits do, and reading twice changes nothing', async () => {
  const digits = fc.stringMatching(/^[1-9][0-9]{4,14}$/);
  const mark = fc.constantFrom('', ' ', '-', '.', '/', '(', ')', '\u00a0', '\u2013', ' - ');
  const written = fc
    .tuple(fc.constantFrom('', '+'), digits, fc.infiniteStream(mark))
    .map(([plus, number, marks]) => {
      const spelled = plus + Array.from(number, (digit) => digit + String(marks.next().value)).join('');
      return { spelled, number: plus + number };
    })
    // A zero in brackets is a trunk prefix and left out on purpose.
    .filter(({ spelled }) => !/\(\s*0\s*\)/.test(spelled));
  await fc.assert(
    fc.asyncProperty(fc.array(written, { minLength: 1, maxLength: 50 }), async (cases) => {
      const read = await normal(cases.map(({ spelled }) => spelled));
      expect(read).toEqual(cases.map(({ number }) => number));
      expect(await normal(read)).toEqual(read);
    }),
    { numRuns: 6 },
  );
});

test.each(['', '  ', 'anonymous', 'Private', '+266696687', 'a\u0000b'])(
  '%j is no caller',
  async (phoneNumber) => {
    const client = await newTenant();
    const { errors } = await client.answer(CallerQuery, { phoneNumber });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'INVALID_INPUT' });
  },
);
