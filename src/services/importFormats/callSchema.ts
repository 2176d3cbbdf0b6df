/** The shape of one call as it arrives: texts, numbers or numeric texts, before sides and defaults are settled. */
import { z } from 'zod';
import { codePoints } from '../conversationRules.ts';
import { isStorableTime } from '../time.ts';
import { unstorable } from './faults.ts';

export const MAX_TURNS = 10_000;
export const MAX_TURN_CHARACTERS = 100_000;
const MAX_TRANSCRIPT_CHARACTERS = 1_000_000;
const MAX_SECONDS = 604_800; // a week

export const fits = (text: string, max: number): boolean => text.length <= max || codePoints(text) <= max;

/** A table has no null but the empty cell, and feeds write '' where they know nothing. */
const blankIsNull = (value: unknown): unknown =>
  value === undefined || (typeof value === 'string' && value.trim() === '') ? null : value;

/** A number, or a text that is one. `Number` alone would also take '', '0x10', true and []. */
const toNumber = (value: unknown): unknown => {
  if (typeof value !== 'string') return blankIsNull(value);
  const text = value.trim();
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?$/i.test(text) ? Number(text) : blankIsNull(value);
};

function storable(rule: string, max: number) {
  return z.string({ error: rule }).superRefine((text, context) => {
    const reason = unstorable(text) ?? (fits(text, max) ? null : rule);
    if (reason !== null) context.addIssue({ code: 'custom', message: reason });
  });
}

const optionalText = (max: number) =>
  z.preprocess(
    blankIsNull,
    storable(`must be text of at most ${max} characters`, max)
      .transform((text) => text.trim())
      .nullable(),
  );

const SID_RULE = 'must be text of 1 to 64 printable characters';
const callSid = z
  .string({ error: SID_RULE })
  .trim()
  .superRefine((text, context) => {
    const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u.test(text) && fits(text, 64);
    const reason = unstorable(text) ?? (printable ? null : SID_RULE);
    if (reason !== null) context.addIssue({ code: 'custom', message: reason });
  });

const DIRECTIONS: ReadonlyMap<string, 'inbound' | 'outbound'> = new Map([
  ['inbound', 'inbound'],
  ['outbound', 'outbound'],
  ['outbound-api', 'outbound'],
  ['outbound-dial', 'outbound'],
]);
const DIRECTION_RULE = 'must be inbound or outbound';
const direction = z.preprocess(
  blankIsNull,
  z
    .string({ error: DIRECTION_RULE })
    .transform((text, context) => {
      const known = DIRECTIONS.get(text.trim().toLowerCase());
      if (known !== undefined) return known;
      context.addIssue({ code: 'custom', message: DIRECTION_RULE });
      return z.NEVER;
    })
    .nullable(),
);

const TIME =
  /^(\d{4}-\d{2}-\d{2})(?:[T ]((?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)(?: ?(Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?))?)?$/i;

/** An ISO 8601 time, also with a space for the T, as PostgreSQL prints it; null when it is none. */
function parseTime(text: string): Date | null {
  const found = TIME.exec(text.trim());
  if (found === null) return null;
  const [, date = '', time = '00:00', offset = 'Z'] = found;
  // Date.parse turns 30 February into 2 March, and the year 0 is one that PostgreSQL does not have.
  const day = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== date || date.startsWith('0000'))
    return null;
  const sign = offset.slice(0, 1);
  const digits = offset.slice(1).replace(':', '').padEnd(4, '0');
  const zone = sign.toUpperCase() === 'Z' ? 'Z' : `${sign}${digits.slice(0, 2)}:${digits.slice(2)}`;
  const [clock = '', fraction = ''] = time.split('.');
  const at = new Date(`${date}T${clock}${fraction === '' ? '' : `.${fraction.slice(0, 3)}`}${zone}`);
  return Number.isNaN(at.getTime()) ? null : at;
}

const TIME_RULE = 'must be an ISO 8601 time such as 2026-09-01T09:02:55Z';
const createdAt = z.preprocess(
  (value) => (typeof value === 'string' ? (parseTime(value) ?? value) : value),
  z.date({ error: TIME_RULE }).refine(isStorableTime, { error: TIME_RULE }),
);

const numberFrom = (rule: string, max: number) =>
  z.number({ error: rule }).min(0, { error: rule }).max(max, { error: rule });

const SECONDS_RULE = `must be a whole number of seconds from 0 to ${MAX_SECONDS}`;
const duration = z.preprocess(
  toNumber,
  numberFrom(SECONDS_RULE, MAX_SECONDS).int({ error: SECONDS_RULE }).nullable(),
);
const confidence = z.preprocess(toNumber, numberFrom('must be a number from 0 to 1', 1).nullable());

// Some recognisers tell fractions of a millisecond, which mean nothing.
const startMs = z.preprocess(
  toNumber,
  numberFrom(`must be a number of milliseconds from 0 to ${MAX_SECONDS * 1000}`, MAX_SECONDS * 1000)
    .transform(Math.round)
    .nullable(),
);

const turn = z.object(
  {
    speaker: storable('must be the name of a speaker', MAX_TURN_CHARACTERS),
    text: storable(`must be text of at most ${MAX_TURN_CHARACTERS} characters`, MAX_TURN_CHARACTERS),
    start_ms: startMs,
    startMs,
    confidence,
  },
  { error: 'must be an object with speaker and text' },
);

const TURNS_RULE = `must be a list of at most ${MAX_TURNS} turns`;

/** Keys in snake_case; all but `call_sid` and `created_at` may be null. Unknown keys are left out. */
export const callSchema = z.object({
  call_sid: callSid,
  phone_number: optionalText(32),
  direction,
  call_status: optionalText(32),
  created_at: createdAt,
  duration_seconds: duration,
  transcript_confidence: confidence,
  topic: optionalText(200),
  // Length first: ten million turns are refused without a look at each.
  turns: z.preprocess(
    (value) => (Array.isArray(value) && value.length > MAX_TURNS ? { length: value.length } : value),
    z.array(turn, { error: TURNS_RULE }).nullish(),
  ),
  // Not trimmed: kept as it was given.
  transcript_text: z.preprocess(
    blankIsNull,
    storable(
      `must be text of at most ${MAX_TRANSCRIPT_CHARACTERS} characters`,
      MAX_TRANSCRIPT_CHARACTERS,
    ).nullable(),
  ),
});
