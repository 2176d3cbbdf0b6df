import { describe, expect, test } from 'vitest';
import { renderChatLine } from '../src/services/jsonl.ts';
import {
  ownsPrompt,
  promptBytes,
  roomBefore,
  writePlainLine,
  type StoredMessages,
} from '../src/services/plainLine.ts';
import { storedJsonb } from './support/storedJsonb.ts';

const MORE = Buffer.from(', {"role": "user", "content": "more"}]');

/** With room for a line before them, and in the midst of what would change them. */
function lying(text: string, room: number): StoredMessages {
  const bytes = Buffer.concat([Buffer.alloc(room), Buffer.from(text), MORE]);
  return { bytes, start: room, end: bytes.length - MORE.length };
}

function plainLine(text: string, systemPrompt: string | null): string | null {
  const prompt = promptBytes(systemPrompt);
  const messages = lying(text, 7 + roomBefore(prompt));
  const end = writePlainLine(messages, prompt, 7);
  expect(messages.bytes.subarray(messages.end), 'what lies behind').toEqual(MORE);
  return end === null ? null : messages.bytes.toString('utf8', 7, end);
}

const rendered = (messages: unknown, systemPrompt: string | null) =>
  `${renderChatLine({ systemPrompt, messages, tools: null, parallelToolCalls: null })}\n`;

const PIECES = [
  '"',
  '\\',
  '\\"',
  '"}, {"role": "user", "content": "',
  '", "content": "',
  '"}]',
  '\n',
  '\u0001',
  '\u001F',
  '\u007F',
  '\u2028',
  'é',
  '語',
  '😀',
  ' ',
  'a',
  ', ',
  ']}',
  '{',
  '',
];
const ROLES = ['user', 'assistant', 'system', 'tool'];

/** The same numbers every time. */
function* numbers(): Generator<number, never> {
  for (let state = 7; ;) yield (state = (state * 48_271) % 2_147_483_647);
}

describe('a plain line', () => {
  test('is byte for byte what renderChatLine makes, whatever is said', () => {
    const random = numbers();
    const pick = <T>(list: readonly T[]): T => {
      const one = list[random.next().value % list.length];
      if (one === undefined) throw new Error('Nothing to pick');
      return one;
    };
    for (let round = 0; round < 5000; round += 1) {
      const messages = Array.from({ length: 1 + (random.next().value % 4) }, () => ({
        content: Array.from({ length: random.next().value % 8 }, () => pick(PIECES)).join(''),
        role: pick(ROLES),
      }));
      const prompt = pick([null, '', 'Be "kind"\\.\n', 'é']);
      expect(plainLine(storedJsonb(messages), prompt)).toBe(rendered(messages, prompt));
      expect(ownsPrompt(Buffer.from(storedJsonb(messages)), 0)).toBe(messages[0]?.role === 'system');
    }
  });

  test.each([
    ['no messages', []],
    ['no list', { role: 'user', content: 'a' }],
    ['another role', [{ role: 'developer', content: 'a' }]],
    ['no content', [{ role: 'assistant', content: null }]],
    ['a content that is no text', [{ role: 'user', content: 1 }]],
    ['no role', [{ content: 'a' }]],
    ['a name', [{ role: 'user', content: 'a', name: 'b' }]],
    [
      'a weight',
      [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'a', weight: 0 },
      ],
    ],
    ['a key nobody knows', [{ role: 'user', content: 'a', secret: 'b' }]],
    ['a shorter key', [{ a: 1, role: 'user', content: 'a' }]],
    ['a text among the messages', [{ role: 'user', content: 'a' }, 'b']],
    ['a message without anything', [{ role: 'user', content: 'a' }, {}]],
  ])('is not made of %s', (_what, messages) => {
    expect(plainLine(storedJsonb(messages), 'Prompt')).toBeNull();
  });

  test('is not made of what is cut short, or goes on', () => {
    const whole = storedJsonb([
      { role: 'user', content: 'a\\"' },
      { role: 'assistant', content: 'b' },
    ]);
    for (let length = 0; length < whole.length; length += 1)
      expect(plainLine(whole.slice(0, length), null)).toBeNull();
    for (const more of [' ', ',', ']', '"', 'x']) expect(plainLine(whole + more, null)).toBeNull();
  });
});
