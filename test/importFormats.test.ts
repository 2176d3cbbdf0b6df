import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CallInput,
  type RowRead,
  parseCall,
  readCsv,
  readNdjson,
  readVtt,
} from '../src/services/importFormats/index.ts';
import { createSpeakerReader } from '../src/services/turns.ts';
import { bytesOf, cutsOf, fault, rowsOf } from './support/importRows.ts';

const DATA = new URL('../../shared/data/', import.meta.url);
const reader = createSpeakerReader();

const ndjson = (body: string | Uint8Array, maxLineBytes?: number): Promise<RowRead[]> =>
  rowsOf(readNdjson(bytesOf(body), maxLineBytes === undefined ? {} : { maxLineBytes }));
async function* aborted(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('{"a":1}\n');
  throw new Error('aborted');
}

async function* repeat(data: Buffer, times: number): AsyncGenerator<Uint8Array> {
  for (let count = 0; count < times; count += 1) yield Buffer.from(data);
}

const open = (name: string) => createReadStream(new URL(name, DATA));
const words = (call: CallInput | undefined) => call?.turns.map(({ speaker, text }) => ({ speaker, text }));

describe('NDJSON', () => {
  it('reads one object a line, with LF, CRLF, a BOM, empty lines and no last line feed', async () => {
    expect(await ndjson('\u{FEFF}{"a":1}\r\n\n  \n{"b":"é😀"}\n\n{"c":null}')).toEqual([
      { line: 1, value: { a: 1 } },
      { line: 4, value: { b: 'é😀' } },
      { line: 6, value: { c: null } },
    ]);
    expect(await ndjson('')).toEqual([]);
    expect(await ndjson('\n\n')).toEqual([]);
  });

  it('gives a fault for a line that cannot be read, and goes on', async () => {
    const body = Buffer.concat([
      Buffer.from('{"a":\n[1]\n"x"\nnull\n7\n{"b":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}\n{"c":"\u{FFFD}"}\n'),
    ]);
    expect(await ndjson(body)).toEqual([
      fault(1, 'is not valid JSON'),
      fault(2, 'must be a JSON object, not a list of 1'),
      fault(3, 'must be a JSON object, not "x"'),
      fault(4, 'must be a JSON object, not null'),
      fault(5, 'must be a JSON object, not 7'),
      fault(6, 'is not valid UTF-8'),
      { line: 7, value: { c: '\u{FFFD}' } },
    ]);
  });

  it('refuses a line longer than the limit, and not one as long', async () => {
    const long = fault(2, 'is longer than the 8 bytes a line may have');
    expect(await ndjson('{"a":12}\n{"a":123}\n{"b":1}', 8)).toEqual([
      { line: 1, value: { a: 12 } },
      long,
      { line: 3, value: { b: 1 } },
    ]);
    expect(await ndjson('\n{"a":123}', 8)).toEqual([long]);
  });

  it('gives the same rows however the bytes are cut', async () => {
    const body = Buffer.from(
      '\u{FEFF}{"a":"é😀"}\r\n\n{"b":\n{"long":"xxxxxxxxxxxxxxxxxxxxxxxxx"}\n{"c":"☃"}',
    );
    const whole = await ndjson(body, 24);
    expect(whole).toHaveLength(4);
    await fc.assert(
      fc.asyncProperty(cutsOf(body), async (parts) => {
        expect(await rowsOf(readNdjson(bytesOf(...parts), { maxLineBytes: 24 }))).toEqual(whole);
      }),
    );
  });

  it('gives back random objects', async () => {
    const object = fc.dictionary(
      fc.string({ unit: 'binary' }).filter((key) => key !== '__proto__'),
      fc.jsonValue({ stringUnit: 'binary' }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(object), fc.constantFrom('\n', '\r\n'), async (objects, end) => {
        const lines = objects.map((one) => JSON.stringify(one));
        const values = lines.map((text, index) => ({ line: index + 1, value: JSON.parse(text) as unknown }));
        expect(await ndjson(lines.join(end))).toEqual(values);
      }),
    );
  });

  it('pulls no more than it is asked for, and lets go of the body when left', async () => {
    let pulled = 0;
    let closed = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          pulled += 1;
          yield Buffer.from('{"a":1}\n{"a":2}\n');
        }
      } finally {
        closed = true;
      }
    }
    let taken = 0;
    for await (const row of readNdjson(body())) {
      taken += 1;
      expect(row).toHaveProperty('value');
      expect(pulled).toBe(Math.ceil(taken / 2));
      if (taken === 3) break;
    }
    expect(closed).toBe(true);
  });

  it('passes on what the body throws', async () => {
    await expect(rowsOf(readNdjson(aborted()))).rejects.toThrow('aborted');
  });
});

describe('memory', () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const used = (): number => {
    // Twice: what the first collection frees of buffers is counted out when the second begins.
    collect();
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return (heapUsed + arrayBuffers) / 2 ** 20;
  };
  const block = Buffer.from(`${JSON.stringify({ text: 'x'.repeat(1000) })}\n`.repeat(1000)); // 1 MB
  /** How many MiB more are held at the most while a stream is read, measured every `step` rows and at the end. */
  async function growth(rows: AsyncIterable<RowRead>, step: number, keep?: RowRead[]): Promise<number> {
    const before = used();
    let most = 0;
    let count = 0;
    for await (const row of rows) {
      keep?.push(row);
      count += 1;
      if (count % step === 0) most = Math.max(most, used() - before);
    }
    return Math.max(most, used() - before);
  }

  it('stays flat over 200 MB of lines, which the measure can tell from keeping 40 MB', async () => {
    expect(await growth(readNdjson(repeat(block, 200)), 40_000)).toBeLessThan(16);
    const kept: RowRead[] = [];
    expect(await growth(readNdjson(repeat(block, 40)), 40_000, kept)).toBeGreaterThan(30);
    expect(kept).toHaveLength(40_000);
  }, 20_000);

  it('stays flat over a line of 200 MB, and over a CSV record of 100 MB', async () => {
    let most = 0;
    async function* endless(times: number, start = ''): AsyncGenerator<Uint8Array> {
      yield Buffer.from(start);
      const before = used();
      for (let count = 0; count < times; count += 1) {
        yield Buffer.alloc(1_000_000, 'x');
        if (count % 50 === 49) most = Math.max(most, used() - before);
      }
    }
    expect(await rowsOf(readNdjson(endless(200)))).toHaveLength(1);
    expect(
      await rowsOf(readCsv(endless(100, 'call_sid\n"'), { requiredColumns: ['call_sid'] })),
    ).toHaveLength(1);
    expect(most).toBeLessThan(16);
  }, 20_000);
});

describe('the shared data', () => {
  const options = { defaultConfidence: null, reader };
  async function callsOf(rows: AsyncIterable<RowRead>): Promise<Map<string, CallInput>> {
    const calls = new Map<string, CallInput>();
    for await (const row of rows) {
      if ('error' in row) throw new Error(JSON.stringify(row.error));
      const parsed = parseCall(row.value, row.line, options);
      if ('fault' in parsed) throw new Error(JSON.stringify(parsed.fault));
      calls.set(parsed.call.callSid, parsed.call);
    }
    return calls;
  }
  it('is read without a fault, and the table and the WebVTT files hold the same turns as the JSON lines', async () => {
    const calls = await callsOf(readNdjson(open('calls.jsonl')));
    expect(calls.size).toBe(1302);

    const table = await callsOf(readCsv(open('calls-flat.csv')));
    expect(table.size).toBe(325);
    for (const [sid, { transcriptText, ...call }] of table) {
      const same = calls.get(sid);
      expect(call).toEqual({ ...same, topic: null, turns: words(same), transcriptText: undefined });
      expect(transcriptText === null).toBe(call.turns.length === 0);
    }

    const names = await readdir(new URL('vtt/', DATA));
    expect(names).toHaveLength(20);
    for (const name of names) {
      const callSid = name.replace('.vtt', '');
      const rows = readVtt(open(`vtt/${name}`), { callSid, reader, details: { created_at: '2026-09-01' } });
      const call = (await callsOf(rows)).get(callSid);
      expect(call?.turns).toEqual(calls.get(callSid)?.turns);
    }
  });
});
