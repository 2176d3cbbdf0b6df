import { describe, expect, it } from 'vitest';
import { type CallInput, type CallPart, parseCall } from '../src/services/importFormats/index.ts';
import { createSpeakerReader } from '../src/services/turns.ts';

const reader = createSpeakerReader();
const KNOWN =
  'caller: caller, customer, client, user, patient; agent: agent, assistant, ai, bot, representative, rep, operator';
const BASE = { call_sid: 'CA1', created_at: '2026-09-01T09:02:55Z' };
const parsed = (value: Record<string, unknown>, defaultConfidence: number | null = null) =>
  parseCall({ ...BASE, ...value }, 7, { defaultConfidence, reader });
/** The call alone, or the fault. */
const callOf = (result: ReturnType<typeof parseCall>) => ('call' in result ? { call: result.call } : result);
const call = (...args: Parameters<typeof parsed>) => callOf(parsed(...args));

const BARE: CallInput = {
  callSid: 'CA1',
  phoneNumber: null,
  direction: null,
  status: 'completed',
  createdAt: new Date('2026-09-01T09:02:55Z'),
  durationSeconds: null,
  confidence: null,
  topic: null,
  turns: [],
  transcriptText: null,
};
const TURN = { speaker: 'bot', text: 'x' };

const confidence = (value: Record<string, unknown>) => {
  const result = call(value, 0.5);
  return 'call' in result ? result.call.confidence : result;
};

describe('parseCall', () => {
  it('needs an id and a time alone', () => {
    expect(call({})).toEqual({ call: BARE });
    expect(call({ topic: null, turns: null, direction: '', duration_seconds: ' ', unknown: {} })).toEqual({
      call: BARE,
    });
  });

  it('takes all a table or a JSON line holds', () => {
    const full: CallInput = {
      ...BARE,
      phoneNumber: '+1555',
      direction: 'outbound',
      status: 'no-answer',
      durationSeconds: 38,
      confidence: 0.8,
      topic: 'Music',
      turns: [
        { speaker: 'caller', text: 'Hi', startMs: 12 },
        { speaker: 'agent', text: 'Yo' },
      ],
    };
    const turns = [
      { speaker: 'CUSTOMER', text: ' Hi ', start_ms: '12' },
      { speaker: 'bot', text: ' ' },
      { speaker: 'bot', text: 'Yo' },
    ];
    const snake = {
      phone_number: ' +1555 ',
      direction: 'Outbound-API',
      call_status: 'no-answer',
      duration_seconds: '38',
      transcript_confidence: '0.80',
      topic: 'Music',
      turns,
    };
    expect(call(snake)).toEqual({ call: full });
    expect(
      call({ ...snake, duration_seconds: 38, transcript_confidence: 0.8, direction: 'OUTBOUND-dial' }),
    ).toEqual({ call: full });
    const camel = {
      callSid: ' CA1 ',
      createdAt: new Date(BARE.createdAt),
      phoneNumber: '+1555',
      direction: 'outbound',
      callStatus: 'no-answer',
      durationSeconds: 38,
      transcriptConfidence: 0.8,
      topic: 'Music',
      turns: [
        { speaker: 'caller', text: 'Hi', startMs: 11.6 },
        { speaker: 'agent', text: 'Yo', startMs: null },
      ],
    };
    expect(callOf(parseCall(camel, 1, { defaultConfidence: 0.1, reader }))).toEqual({ call: full });
  });

  it('reads turns from the text, keeps the text, and prefers turns', () => {
    const transcript_text = ' Customer: a\nAgent: b\n';
    const turns = [
      { speaker: 'caller', text: 'a' },
      { speaker: 'agent', text: 'b' },
    ];
    expect(call({ transcript_text })).toEqual({ call: { ...BARE, turns, transcriptText: transcript_text } });
    expect(call({ transcript_text, turns: [] })).toMatchObject({ call: { turns } });
    expect(call({ transcript_text, turns: [TURN] })).toMatchObject({
      call: { turns: [{ text: 'x' }], transcriptText: transcript_text },
    });
    expect(call({ transcript_text: 'no labels' })).toEqual({
      call: { ...BARE, transcriptText: 'no labels' },
    });
  });

  const ALL: CallPart[] = ['phoneNumber', 'direction', 'status', 'durationSeconds', 'confidence', 'topic'];
  it.each<[Record<string, unknown>, number | null, CallPart[]]>([
    [{}, null, [...ALL, 'conversation']],
    [{ topic: undefined }, 0.5, [...ALL, 'conversation']],
    [{ turns: [] }, null, ALL],
    [{ transcriptText: '' }, null, ALL],
    [{ turns: [TURN] }, 0.5, ALL],
    [
      { phone_number: null, direction: '', callStatus: null, topic: ' ', turns: null },
      null,
      ['durationSeconds', 'confidence'],
    ],
    [
      { transcript_confidence: null },
      0.5,
      ALL.filter((part) => part !== 'confidence').concat('conversation'),
    ],
    [{ transcript_confidence: null, turns: [TURN] }, 0.5, ALL],
    [{ transcript_confidence: 0.5, turns: [TURN] }, 0.5, ALL.filter((part) => part !== 'confidence')],
  ])('tells what the row does not carry (%#)', (value, defaultConfidence, unsaid) => {
    expect(parsed(value, defaultConfidence)).toMatchObject({ unsaid });
  });

  it('gives the default confidence to a call with a transcript alone', () => {
    expect(confidence({ turns: [TURN] })).toBe(0.5);
    expect(confidence({ turns: [TURN], transcript_confidence: null })).toBe(0.5);
    expect(confidence({ transcript_text: 'words' })).toBe(0.5);
    expect(confidence({ turns: [TURN], transcript_confidence: 0 })).toBe(0);
    expect(confidence({})).toBeNull();
    expect(confidence({ turns: [{ speaker: 'bot', text: ' ' }] })).toBeNull();
    expect(confidence({ transcript_confidence: '1' })).toBe(1);
  });

  it.each([
    ['2026-09-01T09:02:55Z', '2026-09-01T09:02:55.000Z'],
    ['2026-09-01T09:02:55', '2026-09-01T09:02:55.000Z'],
    ['2026-09-01t09:02:55.123456+02:00', '2026-09-01T07:02:55.123Z'],
    ['2026-09-01 09:02:55.1-0330', '2026-09-01T12:32:55.100Z'],
    ['2026-09-01 09:02:55+00', '2026-09-01T09:02:55.000Z'],
    ['2026-09-01T09:02', '2026-09-01T09:02:00.000Z'],
    [' 2024-02-29 ', '2024-02-29T00:00:00.000Z'],
  ])('reads the time %j', (created_at, iso) => {
    expect(call({ created_at })).toEqual({ call: { ...BARE, createdAt: new Date(iso) } });
  });

  it.each([
    '2026-02-30T00:00:00Z',
    '2026-02-29',
    '2026-13-01',
    '2026-09-01T24:00:00Z',
    '2026-09-01T09:02:55+15:00',
    '1756717375',
    'Sep 1 2026',
    '0000-01-01',
    '01/09/2026',
  ])('refuses the time %j', (created_at) => {
    const reason = `must be an ISO 8601 time such as 2026-09-01T09:02:55Z, not ${JSON.stringify(created_at)}`;
    expect(call({ created_at })).toEqual({ fault: { line: 7, field: 'created_at', reason } });
  });

  const CONFIDENCE = 'must be a number from 0 to 1';
  const SECONDS = 'must be a whole number of seconds from 0 to 604800';
  const TEXT = 'must be text of at most 100000 characters';
  it.each<[Record<string, unknown>, string, string]>([
    [{ call_sid: undefined }, 'call_sid', 'must be text of 1 to 64 printable characters, but is missing'],
    [{ call_sid: 'a\tb' }, 'call_sid', 'must be text of 1 to 64 printable characters, not "a\\tb"'],
    [
      { call_sid: 'x'.repeat(65) },
      'call_sid',
      'must be text of 1 to 64 printable characters, not "' + 'x'.repeat(65) + '"',
    ],
    [
      { created_at: null },
      'created_at',
      'must be an ISO 8601 time such as 2026-09-01T09:02:55Z, but is missing',
    ],
    [{ created_at: 5 }, 'created_at', 'must be an ISO 8601 time such as 2026-09-01T09:02:55Z, not 5'],
    [{ phone_number: 1555 }, 'phone_number', 'must be text of at most 32 characters, not 1555'],
    [
      { topic: '😀'.repeat(201) },
      'topic',
      `must be text of at most 200 characters, not "${'😀'.repeat(80)}"… (201 characters)`,
    ],
    [{ callStatus: [] }, 'callStatus', 'must be text of at most 32 characters, not an empty list'],
    [{ direction: 'sideways' }, 'direction', 'must be inbound or outbound, not "sideways"'],
    [{ direction: 'constructor' }, 'direction', 'must be inbound or outbound, not "constructor"'],
    [{ transcript_confidence: 80 }, 'transcript_confidence', `${CONFIDENCE}, not 80`],
    [{ transcriptConfidence: '-0.1' }, 'transcriptConfidence', `${CONFIDENCE}, not "-0.1"`],
    [{ transcript_confidence: true }, 'transcript_confidence', `${CONFIDENCE}, not true`],
    [{ transcript_confidence: '0x1' }, 'transcript_confidence', `${CONFIDENCE}, not "0x1"`],
    [{ transcript_confidence: Number.NaN }, 'transcript_confidence', `${CONFIDENCE}, not NaN`],
    [{ duration_seconds: 1.5 }, 'duration_seconds', `${SECONDS}, not 1.5`],
    [{ duration_seconds: -1 }, 'duration_seconds', `${SECONDS}, not -1`],
    [{ duration_seconds: '604801' }, 'duration_seconds', `${SECONDS}, not "604801"`],
    [{ duration_seconds: {} }, 'duration_seconds', `${SECONDS}, not an object`],
    [{ turns: 'x' }, 'turns', 'must be a list of at most 10000 turns, not "x"'],
    [
      { turns: Array.from({ length: 10_001 }, () => TURN) },
      'turns',
      'must be a list of at most 10000 turns, not a list of 10001',
    ],
    [{ turns: [TURN, 'x'] }, 'turns[1]', 'must be an object with speaker and text, not "x"'],
    [{ turns: [TURN, { speaker: 'bot' }] }, 'turns[1].text', `${TEXT}, but is missing`],
    [
      { turns: [{ speaker: 'bot', text: 'x'.repeat(100_001) }] },
      'turns[0].text',
      `${TEXT}, not "${'x'.repeat(80)}"… (100001 characters)`,
    ],
    [
      { turns: [{ ...TURN, start_ms: -1 }] },
      'turns[0].start_ms',
      'must be a number of milliseconds from 0 to 604800000, not -1',
    ],
    [
      { turns: [{ ...TURN, startMs: 'x' }] },
      'turns[0].startMs',
      'must be a number of milliseconds from 0 to 604800000, not "x"',
    ],
    [
      { turns: [TURN, { speaker: 'Bob', text: '' }] },
      'turns[1].speaker',
      `must be a known speaker (${KNOWN}), not "Bob"`,
    ],
    [
      { turns: [{ speaker: 'bot', text: 'a\0' }] },
      'turns[0].text',
      'holds a NUL character, which PostgreSQL cannot store',
    ],
    [{ topic: '\0' }, 'topic', 'holds a NUL character, which PostgreSQL cannot store'],
    [{ call_sid: 'a\0b' }, 'call_sid', 'holds a NUL character, which PostgreSQL cannot store'],
    [
      { transcriptText: '\u{D83D}' },
      'transcriptText',
      'holds half a surrogate pair, which is no character and which PostgreSQL cannot store',
    ],
    [
      { transcript_text: `bot:${'x'.repeat(100_001)}` },
      'transcript_text',
      `must hold turns of at most 100000 characters, not "${'x'.repeat(80)}"… (100001 characters)`,
    ],
    [
      { transcript_text: 'bot:x\n'.repeat(10_001) },
      'transcript_text',
      'must hold at most 10000 turns, not 10001',
    ],
  ])('names the field at fault, what is allowed and what came (%#)', (value, field, reason) => {
    expect(call(value)).toEqual({ fault: { line: 7, field, reason } });
  });

  it('looks at own keys alone', () => {
    const inherited: Record<string, unknown> = Object.create({ topic: 'inherited' });
    const result = parseCall(Object.assign(inherited, BASE), 7, { defaultConfidence: null, reader });
    expect(callOf(result)).toEqual({ call: BARE });
  });
});
