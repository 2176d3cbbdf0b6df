/** Pages of lines as one COPY sends them, however its rows come: several together, one alone, far larger than others. */
import { randomInt, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { seededRandom, type SeededRandom } from '../bench/random.ts';
import { readRow, type CopiedRow, type TakeRow } from '../src/db/copyOut.ts';
import { beginPage, endPage, type Page, type Spare } from '../src/services/copiedPage.ts';
import { renderChatLine } from '../src/services/jsonl.ts';
import { promptBytes } from '../src/services/plainLine.ts';
import { storedJsonb } from './support/storedJsonb.ts';

function int4(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A row as COPY has it in binary, for messages as PostgreSQL writes them. */
function rowOf(line: number, part: string, messages: string): Buffer {
  const fields = [
    Buffer.from(part),
    int4(line),
    Buffer.from(randomUUID().replaceAll('-', ''), 'hex'),
    int4(1),
    Buffer.from('MANUAL'),
    int4(9),
    null,
    null,
    Buffer.concat([Buffer.from([1]), Buffer.from(messages)]),
  ];
  return Buffer.concat([
    Buffer.from([0, fields.length]),
    ...fields.flatMap((field) => [int4(field?.length ?? -1), field ?? Buffer.alloc(0)]),
  ]);
}

/** Rows that came together, as `copyOut` gives them; they may be overwritten then. */
function giveTogether(rows: readonly Buffer[], take: TakeRow): void {
  const bytes = Buffer.concat(rows);
  const row: CopiedRow = { bytes, length: 0, starts: [], ends: [] };
  let at = 0;
  for (const { length } of rows) {
    take(readRow(bytes, at, at + length, row));
    at += length;
  }
  bytes.fill(0);
}

interface Example {
  part: 'TRAINING' | 'VALIDATION';
  messages: { role: string; content: string }[];
}

const ROLES = ['user', 'assistant', 'system'];

function exampleOf(random: SeededRandom): Example {
  const size = random.pick([0, 10, 300, 2_000, 20_000]);
  const messages = Array.from({ length: 1 + random.below(3) }, () => ({
    content: random.pick(['a', '"', 'é', '\\', ', ']).repeat(random.below(size + 1)),
    role: random.pick(ROLES),
  }));
  return { part: random.below(4) === 0 ? 'VALIDATION' : 'TRAINING', messages };
}

/** The lines of each part, as they would go into its file. */
function written({ lines }: Page): Record<Example['part'], string> {
  const texts = { TRAINING: '', VALIDATION: '' };
  for (const line of lines) {
    if (!('buffer' in line)) throw new Error('A line was not taken over as it is stored');
    texts[line.part] += line.buffer.toString('utf8', line.from, line.to);
  }
  return texts;
}

test('what is taken over is what would be rendered, in whatever pieces it comes and however long the prompt is', () => {
  const seed = randomInt(2 ** 31);
  const random = seededRandom(seed);
  const spare: Spare = [];
  for (let round = 0; round < 40; round += 1) {
    const systemPrompt = random.pick([null, 'Be kind.', 'é'.repeat(500), 'x'.repeat(60_000)]);
    const examples = Array.from({ length: 40 }, () => exampleOf(random));
    const own: boolean[] = [];
    const sharing = {
      prompt: promptBytes(systemPrompt),
      spare,
      inspectCounted: (_part: string, _tokens: number, hasOwnPrompt: boolean) => void own.push(hasOwnPrompt),
    };
    const { page, take } = beginPage({ after: 0, bytes: 2 ** 30 }, sharing);
    for (let line = 0; line < examples.length;) {
      const together = examples.slice(line, line + 1 + random.below(20));
      giveTogether(
        together.map(({ part, messages }, nth) =>
          rowOf(line + nth + 1, part.slice(0, 1), storedJsonb(messages)),
        ),
        take,
      );
      line += together.length;
    }
    const lineOf = ({ messages }: Example) =>
      `${renderChatLine({ systemPrompt, messages, tools: null, parallelToolCalls: null })}\n`;
    const texts = written(page);
    for (const part of ['TRAINING', 'VALIDATION'] as const) {
      const wanted = examples.filter((example) => example.part === part).map(lineOf);
      expect(texts[part] === wanted.join(''), `seed ${seed}, ${part} of round ${round}`).toBe(true);
    }
    expect(own, `seed ${seed}`).toEqual(examples.map(({ messages }) => messages[0]?.role === 'system'));
    endPage(page, spare);
  }
});
