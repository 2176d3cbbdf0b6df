import { parse } from 'csv-parse/sync';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CsvOptions, REQUIRED_COLUMNS } from '../src/services/importFormats/csv.ts';
import { type RowRead, isHeaderFault, readCsv } from '../src/services/importFormats/index.ts';
import { bytesOf, cutsOf, fault, rowsOf } from './support/importRows.ts';

const NARROW: CsvOptions = { requiredColumns: ['call_sid', 'topic', 'direction'] };
const HEADER = 'call_sid,topic,direction\n';
const csv = (body: string | Uint8Array, options = NARROW): Promise<RowRead[]> =>
  rowsOf(readCsv(bytesOf(body), options));
const row = (line: number, call_sid: string, topic: string, direction: string): RowRead => ({
  line,
  value: { call_sid, topic, direction },
});
const STRAY = 'holds a quote within a value that does not begin with one';
const INNER = 'holds a quote that neither ends its value nor is doubled';
const OPEN = 'opens a quote that is never closed';

const quote = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

describe('CSV records', () => {
  it.each<[string, string, RowRead[]]>([
    ['plain values', `${HEADER}1,2,3\n4,5,6`, [row(2, '1', '2', '3'), row(3, '4', '5', '6')]],
    [
      'a BOM and CRLF',
      `\u{FEFF}${HEADER}1,2,3\n"4",5,"6"\n`.replaceAll('\n', '\r\n'),
      [row(2, '1', '2', '3'), row(3, '4', '5', '6')],
    ],
    [
      'quoted commas, quotes and breaks',
      `${HEADER}"a,""b""","x\ny\r\nz",3\n4,5,6`,
      [row(2, 'a,"b"', 'x\ny\r\nz', '3'), row(5, '4', '5', '6')],
    ],
    ['empty lines', `\n${HEADER}\n\r\n1,2,3\n\n`, [row(5, '1', '2', '3')]],
    ['a quoted empty line', `${HEADER}1,"\n\n",3\n`, [row(2, '1', '\n\n', '3')]],
    [
      'an empty cell as null',
      `${HEADER}1,,""\n2, ,x`,
      [{ line: 2, value: { call_sid: '1', topic: null, direction: null } }, row(3, '2', ' ', 'x')],
    ],
    ['emoji', `${HEADER}1,😀,"é😀"`, [row(2, '1', '😀', 'é😀')]],
    ['no records', HEADER, []],
  ])('reads %s', async (_what, body, rows) => {
    expect(await csv(body)).toEqual(rows);
  });

  it('takes a wrong number of values as a fault of that record', async () => {
    expect(await csv(`${HEADER}1,2\n1,"a\nb",3,4\n4,5,6`)).toEqual([
      fault(2, 'must have 3 values, as the header does, not 2'),
      fault(3, 'must have 3 values, as the header does, not 4 (it ends on line 4)'),
      row(5, '4', '5', '6'),
    ]);
  });

  it.each<[string, string, RowRead[]]>([
    ['within a plain value', '1,5" pipe,3\n4,5,6', [fault(2, STRAY), row(3, '4', '5', '6')]],
    ['within a quoted value', '1,"a "b" c",3\n4,5,6', [fault(2, INNER), row(3, '4', '5', '6')]],
    [
      'that is not closed, to the end',
      '1,"a,3\n4,5,6\n7,8,9',
      [fault(2, OPEN), row(3, '4', '5', '6'), row(4, '7', '8', '9')],
    ],
    [
      'that is not closed, before another',
      '1,"a,3\n4,5,6\n7,"8",9\n',
      [fault(2, INNER), row(3, '4', '5', '6'), row(4, '7', '8', '9')],
    ],
    [
      'in each of two records',
      '1,"a"b,3\n4,5"x,6\n7,8,9',
      [fault(2, INNER), fault(3, STRAY), row(4, '7', '8', '9')],
    ],
    [
      'in a transcript, whose other lines go with it',
      '1,"Agent: hi\nAgent: "well", yes\n\nAgent: bye",3\n4,5,6',
      [fault(2, `${INNER}; the lines up to 5 were skipped with it`), row(6, '4', '5', '6')],
    ],
    ['at the end', '1,2,3\n4,5,"', [row(2, '1', '2', '3'), fault(3, OPEN)]],
  ])('recovers from a stray quote %s', async (_what, body, rows) => {
    expect(await csv(HEADER + body)).toEqual(rows);
  });

  it('refuses a record beyond the size limit, on one line or on many, and goes on', async () => {
    const options = { ...NARROW, maxRecordBytes: 30 };
    const reason = 'is longer than the 30 bytes a record may have';
    const guess = `${reason} (is a closing quote missing?)`;
    expect(await csv(`${HEADER}1,${'x'.repeat(40)},3\n4,5,6`, options)).toEqual([
      fault(2, reason),
      row(3, '4', '5', '6'),
    ]);
    expect(await csv(`${HEADER}1,"${'x\n'.repeat(20)}",3\n4,5,6`, options)).toEqual([
      fault(2, `${guess}; the lines up to 22 were skipped with it`),
      row(23, '4', '5', '6'),
    ]);
    expect(await csv(`${HEADER}1,"2,3\n4,5,6\n${'x'.repeat(40)}\n7,8,9`, options)).toEqual([
      fault(2, guess),
      row(3, '4', '5', '6'),
      fault(4, reason),
      row(5, '7', '8', '9'),
    ]);
    const exact = `1,"${'x'.repeat(12)}\n${'y'.repeat(11)}",3`;
    expect(exact).toHaveLength(30);
    expect(await csv(`${HEADER}${exact}\n`, options)).toHaveLength(1);
    expect(await csv(`${HEADER}${exact}\n`, options)).not.toHaveProperty('0.error');
    expect(await csv(`${HEADER}${exact}4\n`, options)).toEqual([
      fault(2, `${guess}; the lines up to 3 were skipped with it`),
    ]);
  });

  it('refuses a record that is not UTF-8, and no other', async () => {
    const body = Buffer.concat([
      Buffer.from(`${HEADER}1,"a\n`),
      Buffer.from([0xc3]),
      Buffer.from('",3\n4,ü,6'),
    ]);
    expect(await csv(body)).toEqual([
      fault(2, 'is not valid UTF-8; the lines up to 3 were skipped with it'),
      row(4, '4', 'ü', '6'),
    ]);
  });
});

describe('the header of a CSV', () => {
  it('is trimmed, in any case and any order, with unknown columns ignored', async () => {
    expect(await csv(' Direction ,x,"TOPIC",call_sid,x,constructor\n1,2,3,4,5,6')).toEqual([
      row(2, '4', '3', '1'),
    ]);
  });

  it.each([
    [
      'call_sid,topic\n1,2',
      'the header lacks direction; it must name call_sid, topic, direction (cells may be empty), and may name topic, turns',
    ],
    ['call_sid,topic,Topic,direction\n1,2,3,4', 'the header names a column more than once: topic'],
    ['call_sid,"topic\n1,2', `the header ${OPEN}`],
    ['', 'the file is empty; its first line must name call_sid, topic, direction'],
  ])('gives one HeaderFault where it is at fault (%#)', async (body, reason) => {
    const rows = await csv(body);
    expect(rows).toEqual([{ line: 1, error: { line: 1, field: null, reason, header: true } }]);
    expect(rows.every((one) => 'error' in one && isHeaderFault(one.error))).toBe(true);
  });

  it('must name the columns of a telephony table, turns standing in for the transcript', async () => {
    const names = REQUIRED_COLUMNS.filter((name) => name !== 'transcript_text');
    const missing = await csv(`${names.join(',')}\n`, {});
    expect(missing).toMatchObject([
      { error: { reason: expect.stringMatching(/^the header lacks transcript_text;/) } },
    ]);
    expect(await csv(`${names.join(',')},turns\n`, {})).toEqual([]);
  });

  it('stops the body where it is at fault', async () => {
    let closed = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.from('nothing,known\n');
        yield Buffer.from('1,2\n');
        throw new Error('read on');
      } finally {
        closed = true;
      }
    }
    expect(await rowsOf(readCsv(body()))).toHaveLength(1);
    expect(closed).toBe(true);
  });
});

it('reads turns from a cell as JSON', async () => {
  const turns = [{ speaker: 'bot', text: 'a "b"', start_ms: 1 }];
  const cell = `"${JSON.stringify(turns).replaceAll('"', '""')}"`;
  expect(await csv(`call_sid,turns\n1,${cell}\n2,\n3,{}\n4,[`, { requiredColumns: ['call_sid'] })).toEqual([
    { line: 2, value: { call_sid: '1', turns } },
    { line: 3, value: { call_sid: '2', turns: null } },
    fault(4, 'must be a JSON list, not "{}"', 'turns'),
    fault(5, 'must be a JSON list, not "["', 'turns'),
  ]);
});

describe('any CSV', () => {
  const cell = fc.oneof(
    fc.string({ unit: 'binary' }).filter((text) => text !== ''),
    fc
      .array(fc.constantFrom('"', ',', '\n', '\r\n', '\r', 'a', '😀', ' '), { minLength: 1 })
      .map((all) => all.join('')),
  );
  const table = fc.array(fc.tuple(cell, cell, cell));

  it('gives back random records, on the lines they start on', async () => {
    await fc.assert(
      fc.asyncProperty(table, fc.constantFrom('\n', '\r\n'), async (records, end) => {
        const texts = records.map((values) => values.map(quote).join(',') + end);
        let line = 2;
        const rows = records.map(([a, b, c], index) => {
          const expected = row(line, a, b, c);
          line += (texts[index]?.split('\n').length ?? 1) - 1;
          return expected;
        });
        expect(await csv(HEADER + texts.join(''))).toEqual(rows);
      }),
    );
  });

  it('gives the same rows however the bytes are cut, also where quotes are astray', async () => {
    const piece = fc.constantFrom(
      '"',
      '"',
      ',',
      ',',
      '\n',
      '\r\n',
      'a',
      '😀',
      '1,2,3\n',
      '"x\ny"',
      'xxxxxxxxxxxxxxxxxxxxx',
    );
    const body = fc.array(piece, { maxLength: 60 }).map((all) => Buffer.from(HEADER + all.join('')));
    const cut = body.chain((bytes) => fc.tuple(fc.constant(bytes), cutsOf(bytes)));
    const options = { ...NARROW, maxRecordBytes: 40 };
    await fc.assert(
      fc.asyncProperty(cut, async ([bytes, parts]) => {
        const whole = await csv(bytes, options);
        expect(await rowsOf(readCsv(bytesOf(...parts), options))).toEqual(whole);
        const lines = whole.map(({ line }) => line);
        expect(lines).toEqual([...new Set(lines)].toSorted((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });

  it('is read as csv-parse reads it, where csv-parse finds it sound', async () => {
    const piece = fc.constantFrom('"', '"', '""', ',', ',', '\n', 'a', ' ', '1,2,3\n', '"x\ny",', 'b,"c"');
    let sound = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const body = HEADER + pieces.join('');
        let known: string[][];
        try {
          known = parse(body, { from: 2, skip_empty_lines: true, record_delimiter: '\n' });
        } catch {
          return;
        }
        sound += 1;
        const wanted = known.map(([call_sid, topic, direction]) =>
          Object.fromEntries(
            Object.entries({ call_sid, topic, direction }).map(([name, value]) => [
              name,
              value === '' ? null : value,
            ]),
          ),
        );
        expect((await csv(body)).map((one) => ('value' in one ? one.value : one.error))).toEqual(wanted);
      }),
      { numRuns: 3000 },
    );
    expect(sound).toBeGreaterThan(100);
  });
});
