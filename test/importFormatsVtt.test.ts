import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readVtt } from '../src/services/importFormats/index.ts';
import { readCue } from '../src/services/importFormats/vttCue.ts';
import { createSpeakerReader } from '../src/services/turns.ts';
import { bytesOf, cutsOf, fault, rowsOf } from './support/importRows.ts';

const options = { callSid: 'CA1', reader: createSpeakerReader({ caller: [], agent: ['Ann & Co'] }) };
const read = (...parts: (string | Uint8Array)[]) => rowsOf(readVtt(bytesOf(...parts), options));
const call = (duration_seconds: number, ...turns: [string, string, number][]) => [
  {
    line: 1,
    value: {
      call_sid: 'CA1',
      turns: turns.map(([speaker, text, start_ms]) => ({ speaker, text, start_ms })),
      duration_seconds,
    },
  },
];
const CUE = '00:01.000 --> 00:02.001\n';

const plain = (text: string) => [{ voice: null, text }];

/** 12 bytes, and then an error for whoever reads on. */
async function* twelveBytes(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(6);
  yield Buffer.alloc(6);
  throw new Error('read on');
}

describe('WebVTT', () => {
  it('reads cues with voices, times with and without hours, ids and settings', async () => {
    const body = `WEBVTT - a title\nKind: captions\n\n1\n00:00.500 --> 00:02.000\n<v Customer>Hi.\n\nintro\n01:00:02.000 --> 01:00:03.001 align:start position:0%\n<v.loud.first Agent>Hello\nthere!</v>\n`;
    const expected = call(3604, ['caller', 'Hi.', 500], ['agent', 'Hello there!', 3_602_000]);
    expect(await read(body)).toEqual(expected);
    expect(await read(`\u{FEFF}${body.replaceAll('\n', '\r\n')}`)).toEqual(expected);
    expect(await read(body.replaceAll('\n', '\r'))).toEqual(expected);
    await fc.assert(
      fc.asyncProperty(cutsOf(Buffer.from(body)), async (parts) => {
        expect(await read(...parts)).toEqual(expected);
      }),
    );
  });

  it('skips NOTE, STYLE and REGION blocks', async () => {
    const asides =
      'NOTE a remark\nof two lines\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:x\n\nNOTE\n<v Nobody>x\n\n';
    expect(await read(`WEBVTT\n\n${asides}${CUE}<v Agent>NOTE this\n\n${asides}`)).toEqual(
      call(3, ['agent', 'NOTE this', 1000]),
    );
  });

  it('takes several voices in a cue, and lets a cue without a voice continue the turn before', async () => {
    const body = `WEBVTT\n\n${CUE}<v Customer>One</v> <v Bot>two</v>\n\n00:03.000 --> 00:04.000\nthree\n\n00:05.000 --> 00:06.000\n<v Ann &amp; Co>four`;
    expect(await read(body)).toEqual(
      call(6, ['caller', 'One', 1000], ['agent', 'two three', 1000], ['agent', 'four', 5000]),
    );
  });

  it('drops words before the first voice, and turns without words', async () => {
    expect(await read(`WEBVTT\n\n${CUE}hello\n\n${CUE}<v Bot></v>\n\n${CUE}<v User>yes`)).toEqual(
      call(3, ['caller', 'yes', 1000]),
    );
  });

  it('takes cues that no blank line sets off', async () => {
    const body = `WEBVTT\n${CUE}<v User>a\n00:03.000 --> 00:04.000\n<v Bot>b`;
    expect(await read(body)).toEqual(call(4, ['caller', 'a', 1000], ['agent', 'b', 3000]));
  });

  it('keeps the words as text where no cue names a voice', async () => {
    expect(await read(`WEBVTT\n\n${CUE}Agent: hi\n\n${CUE}Customer: yo`)).toEqual([
      {
        line: 1,
        value: { call_sid: 'CA1', transcript_text: 'Agent: hi\nCustomer: yo', duration_seconds: 3 },
      },
    ]);
    expect(await read('WEBVTT')).toEqual(call(0));
  });

  it('adds what else is known of the call', async () => {
    const rows = rowsOf(readVtt(bytesOf('WEBVTT'), { ...options, details: { topic: 'x', call_sid: 'y' } }));
    expect(await rows).toMatchObject([{ value: { topic: 'x', call_sid: 'CA1' } }]);
  });

  it.each([
    ['', fault(1, 'must begin with WEBVTT, not ""')],
    ['WEBVTTX\n', fault(1, 'must begin with WEBVTT, not "WEBVTTX"')],
    ['1\n00:00:01,000 --> 00:00:02,000\nSubRip', fault(1, 'must begin with WEBVTT, not "1"')],
    [
      'WEBVTT\n\n\n1\n00:61.000 --> 00:62.000\nx',
      fault(5, 'must be a time such as 00:01.000 --> 00:02.500, not "00:61.000 --> 00:62.000"'),
    ],
    [
      `WEBVTT\n\n${CUE}<v Bot>a\n\nlost words\n`,
      fault(6, 'must be part of a cue, but has no time: "lost words"'),
    ],
    [
      `WEBVTT\n\n${CUE}<v Bot>a\n\n${CUE}<v Bob>b`,
      fault(
        6,
        'must be a known speaker (caller: caller, customer, client, user, patient; agent: agent, assistant, ai, bot, representative, rep, operator, Ann & Co), not "Bob"',
        'turns[1].speaker',
      ),
    ],
  ])('gives one fault (%#)', async (body, expected) => {
    expect(await read(body)).toEqual([expected]);
  });

  it('refuses a file beyond the limit without reading on, and bytes that are not UTF-8', async () => {
    expect(await rowsOf(readVtt(twelveBytes(), { ...options, maxBytes: 10 }))).toEqual([
      fault(1, 'is longer than the 10 bytes a file may have'),
    ]);
    expect(await read('WEBVTT\n\n', Buffer.from([0xff]))).toEqual([fault(1, 'is not valid UTF-8')]);
  });
});

describe('readCue', () => {
  it.each([
    ['<i>a</i> <c.x.y>b</c><00:00:01.000> <lang en>c</lang>', plain('a b c')],
    ['&amp;lt; &lt;b&gt; a&nbsp;b &lrm;x&rlm;', plain('&lt; <b> a\u{A0}b \u{200E}x\u{200F}')],
    ['&#39;&#x1F600;&quot; &bogus; &#0; &', plain('\'😀" &bogus; &#0; &')],
    ['<3 and 1 < 2 > 0', plain('<3 and 1 < 2 > 0')],
    ['a <b', plain('a <b')],
    [
      '<<v  Bob\tRay >x',
      [
        { voice: null, text: '<' },
        { voice: 'Bob Ray', text: 'x' },
      ],
    ],
    ['<v>x', plain('x')],
  ])('reads %j', (cue, parts) => {
    expect(readCue(cue)).toEqual(parts);
  });

  it('takes long rows of brackets', () => {
    for (const row of ['<', '<a ', '>', '<v', '&'])
      expect(readCue(`${row.repeat(1_000_000)}>`)[0]?.text.length).toBeGreaterThan(900_000);
  });
});
