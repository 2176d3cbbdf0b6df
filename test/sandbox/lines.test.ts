import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readExample, readLines } from '../../src/sandbox/lines.ts';
import { tempDir } from './support.ts';

const user = { role: 'user', content: 'Hello' };
const assistant = { role: 'assistant', content: 'Hi.' };
const call = { id: 'call_1', type: 'function', function: { name: 'find', arguments: '{}' } };
const calling = { role: 'assistant', tool_calls: [call] };

function read(value: unknown) {
  return readExample({ number: 7, text: JSON.stringify(value) });
}

describe('a training line', () => {
  test.each([
    ['plain', { messages: [user, assistant] }],
    [
      'a system prompt and names',
      { messages: [{ role: 'system', content: 'Be kind.', name: 'desk' }, user, assistant] },
    ],
    ['weights', { messages: [user, { ...assistant, weight: 0 }, user, { ...assistant, weight: 1 }] }],
    [
      'a tool call and its answer',
      { messages: [user, calling, { role: 'tool', tool_call_id: 'call_1', content: '' }, assistant] },
    ],
    [
      'tools',
      {
        messages: [user, assistant],
        parallel_tool_calls: false,
        tools: [{ type: 'function', function: { name: 'find', parameters: {} } }],
      },
    ],
    [
      'the old functions',
      {
        messages: [
          user,
          { role: 'assistant', content: null, function_call: call.function },
          { role: 'function', name: 'find', content: '1' },
          assistant,
        ],
      },
    ],
    [
      'text in parts',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }, assistant] },
    ],
  ])('is taken: %s', (_, line) => {
    expect(read(line).messages.length).toBeGreaterThan(0);
  });

  test.each([
    ['no object', 5, 'Line 7: Invalid input'],
    ['no messages', {}, 'Line 7, key "messages"'],
    ['an empty list', { messages: [] }, 'Line 7, key "messages"'],
    ['an unknown key', { messages: [user, assistant], note: 1 }, 'Unrecognized key: "note"'],
    [
      'an unknown key in a message',
      { messages: [user, { ...assistant, mood: 'good' }] },
      'message 2: Unrecognized key: "mood"',
    ],
    ['an unknown role', { messages: [user, { role: 'robot', content: 'x' }] }, 'message 2, key "role"'],
    ['no role', { messages: [{ content: 'x' }, assistant] }, 'message 1, key "role"'],
    ['a user without content', { messages: [{ role: 'user' }, assistant] }, 'message 1, key "content"'],
    ['empty content', { messages: [{ role: 'user', content: '' }, assistant] }, 'message 1, key "content"'],
    [
      'content that is a number',
      { messages: [{ role: 'user', content: 3 }, assistant] },
      'message 1, key "content"',
    ],
    [
      'an assistant that says nothing',
      { messages: [user, { role: 'assistant', content: '' }] },
      'message 2: an assistant message needs',
    ],
    ['no assistant', { messages: [user] }, 'at least one message from the assistant'],
    ['weight 0.5', { messages: [user, { ...assistant, weight: 0.5 }] }, 'message 2, key "weight"'],
    ['a weight on a user', { messages: [{ ...user, weight: 1 }, assistant] }, 'Unrecognized key: "weight"'],
    [
      'an answer to no call',
      { messages: [user, assistant, { role: 'tool', tool_call_id: 'call_9', content: 'x' }] },
      "tool_call_id 'call_9'",
    ],
    [
      'a tool call without a function',
      { messages: [user, { role: 'assistant', tool_calls: [{ id: 'c', type: 'function' }] }] },
      'message 2, key "tool_calls.0.function"',
    ],
  ])('is refused: %s', (_, line, message) => {
    expect(() => read(line)).toThrow(message);
  });

  test('is refused when it is no JSON', () => {
    expect(() => readExample({ number: 3, text: '{"messages": [' })).toThrow('Line 3 is not valid JSON');
    expect(() => readExample({ number: 4, text: '' })).toThrow('Line 4 is not valid JSON');
  });
});

async function linesOf(content: string | Buffer): Promise<string[]> {
  const path = join(await tempDir(), 'lines.jsonl');
  await writeFile(path, content);
  const lines: string[] = [];
  for await (const line of readLines(path)) lines.push(`${line.number} ${line.text}`);
  return lines;
}

describe('lines of a file', () => {
  test('end at \\n alone: U+2028 and U+0085 belong to the line, a last line may lack its end', async () => {
    expect(await linesOf('a\u2028b\n\u0085\n\nlast')).toEqual(['1 a\u2028b', '2 \u0085', '3 ', '4 last']);
  });

  test('come without a byte order mark, across chunks, and never an extra one', async () => {
    const long = 'é'.repeat(400_000);
    expect(await linesOf(`\uFEFF{}\n${long}\n`)).toEqual(['1 {}', `2 ${long}`]);
  });

  test('must be UTF-8', async () => {
    await expect(linesOf(Buffer.from([0x61, 0x0a, 0xff, 0x0a]))).rejects.toThrow('Line 2 is not valid UTF-8');
  });
});
