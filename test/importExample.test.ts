import { describe, expect, it } from 'vitest';
import { parseExample } from '../src/services/importFormats/index.ts';

/** Parsed without recursion, and too deep to be written back with it. */
const DEEP: unknown = JSON.parse(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`);
const user = { role: 'user', content: 'q' };
const assistant = { role: 'assistant', content: 'a' };
const called = { id: 'c1', type: 'function', function: { name: 'look_up', arguments: '{"a":1}' } };
const tool = (given: Record<string, unknown>) => ({
  messages: [user, assistant],
  tools: [{ type: 'function', function: given }],
});

describe('parseExample', () => {
  it('takes the chat format, in one shape and key order', () => {
    const value = {
      quality_score: 0.75,
      parallel_tool_calls: false,
      tools: [
        {
          function: { strict: true, parameters: { z: 1, a: { b: [] } }, description: 'd', name: 'look_up' },
          type: 'function',
        },
      ],
      other: 1,
      messages: [
        { content: 's', role: 'system' },
        { name: 'Bo', content: 'q', role: 'user' },
        {
          tool_calls: [{ function: { arguments: '{"a":1}', name: 'look_up' }, type: 'function', id: 'c1' }],
          role: 'assistant',
        },
        { tool_call_id: 'c1', content: '', role: 'tool' },
        { weight: 0, content: 'a', role: 'assistant', name: null, tool_calls: null },
        { weight: 1, content: 'b', role: 'assistant' },
      ],
    };
    const example = {
      messages: [
        { role: 'system', content: 's' },
        { role: 'user', content: 'q', name: 'Bo' },
        { role: 'assistant', content: null, tool_calls: [called] },
        { role: 'tool', content: '', tool_call_id: 'c1' },
        { role: 'assistant', content: 'a', weight: 0 },
        { role: 'assistant', content: 'b', weight: 1 },
      ],
      tools: [
        {
          type: 'function',
          function: { name: 'look_up', description: 'd', parameters: { z: 1, a: { b: [] } }, strict: true },
        },
      ],
      parallelToolCalls: false,
      qualityScore: 0.75,
    };
    expect(JSON.stringify(parseExample(value, 1))).toBe(JSON.stringify({ example }));
    expect(parseExample({ messages: [user, assistant] }, 1)).toEqual({
      example: { messages: [user, assistant], tools: null, parallelToolCalls: null, qualityScore: null },
    });
  });

  const ROLE = 'must be system, user, assistant or tool';
  it.each<[Record<string, unknown>, string, string]>([
    [{}, 'messages', 'must be a list of 1 to 2000 messages, but is missing'],
    [{ messages: [] }, 'messages', 'must be a list of 1 to 2000 messages, not an empty list'],
    [
      { messages: Array.from({ length: 2001 }, () => assistant) },
      'messages',
      'must be a list of 1 to 2000 messages, not a list of 2001',
    ],
    [{ messages: [5] }, 'messages[0]', 'must be an object with role and content, not 5'],
    [
      { messages: [{ role: 'developer', content: 'x' }, user, assistant] },
      'messages[0].role',
      `${ROLE}, not "developer"`,
    ],
    [{ messages: [{ content: 'x' }] }, 'messages[0].role', `${ROLE}, but is missing`],
    [
      { messages: [{ ...user, content: [{ type: 'text', text: 'x' }] }, assistant] },
      'messages[0].content',
      'must be text, not a list of 1',
    ],
    [
      { messages: [{ ...user, content: null }, assistant] },
      'messages[0].content',
      'must be text, but is missing',
    ],
    [
      { messages: [user, { ...assistant, content: null }] },
      'messages[1].content',
      'must be text where there are no tool_calls',
    ],
    [{ messages: [{ ...user, content: '' }, assistant] }, 'messages[0].content', 'must not be empty'],
    [
      { messages: [{ role: 'system', content: '' }, user, assistant] },
      'messages[0].content',
      'must not be empty',
    ],
    [
      { messages: [user, { ...assistant, content: '' }] },
      'messages[1].content',
      'must not be empty where there are no tool_calls',
    ],
    [
      { messages: [user, { role: 'tool', content: 'x', tool_call_id: 'c1' }, assistant] },
      'messages[1].tool_call_id',
      'must be the id of a call that the assistant made before',
    ],
    [{ messages: [{ ...user, weight: 1 }, assistant] }, 'messages[0].weight', 'is not a known key'],
    [{ messages: [user, { ...assistant, refusal: null }] }, 'messages[1].refusal', 'is not a known key'],
    [{ messages: [user, { ...assistant, weight: 2 }] }, 'messages[1].weight', 'must be 0 or 1, not 2'],
    [{ messages: [user, { ...assistant, weight: true }] }, 'messages[1].weight', 'must be 0 or 1, not true'],
    [
      { messages: [{ ...user, name: '' }, assistant] },
      'messages[0].name',
      'must be a name of 1 to 64 characters, but is missing',
    ],
    [
      { messages: [user, { ...assistant, tool_calls: [] }] },
      'messages[1].tool_calls',
      'must be a list of 1 to 128 calls, not an empty list',
    ],
    [
      {
        messages: [
          user,
          { ...assistant, tool_calls: [{ ...called, function: { name: 'f', arguments: {} } }] },
        ],
      },
      'messages[1].tool_calls[0].function.arguments',
      'must be text (JSON), not an object',
    ],
    [
      { messages: [user, { role: 'tool', content: 'x' }, assistant] },
      'messages[1].tool_call_id',
      'must be the id of the call it answers, but is missing',
    ],
    [
      { messages: [user, { role: 'system', content: 'x' }, assistant] },
      'messages[1].role',
      'must not be system after the first message',
    ],
    [
      { messages: [{ role: 'system', content: 'x' }, assistant] },
      'messages',
      'must hold a message of the user',
    ],
    [{ messages: [user, assistant, user] }, 'messages', 'must end with a message of the assistant'],
    [
      { messages: [user, { ...assistant, weight: 0 }] },
      'messages',
      'must hold a message of the assistant whose weight is not 0',
    ],
    [
      tool({ name: 'f g' }),
      'tools[0].function.name',
      'must be a name of 1 to 64 letters, digits, _ or -, not "f g"',
    ],
    [
      tool({ name: 'f', parameters: [] }),
      'tools[0].function.parameters',
      'must be a JSON Schema object, not an empty list',
    ],
    [tool({ name: 'f', extra: 1 }), 'tools[0].function.extra', 'is not a known key'],
    [
      tool({ name: 'f', parameters: { a: ['\0'] } }),
      'tools[0].function.parameters.a[0]',
      'holds a NUL character, which PostgreSQL cannot store',
    ],
    [
      tool({ name: 'f', parameters: { 'a\0': 1 } }),
      'tools[0].function.parameters',
      'has a key that holds a NUL character, which PostgreSQL cannot store',
    ],
    [tool({ name: 'f', parameters: DEEP }), 'tools', 'is nested deeper than 100 levels'],
    [
      { messages: [user, assistant], tools: Array(129).fill(0) },
      'tools',
      'must be a list of at most 128 tools, not a list of 129',
    ],
    [
      { messages: [{ ...user, content: 'a\u{DC00}' }, assistant] },
      'messages[0].content',
      'holds half a surrogate pair, which is no character and which PostgreSQL cannot store',
    ],
    [
      { messages: [user, assistant], parallel_tool_calls: 1 },
      'parallel_tool_calls',
      'must be true or false, not 1',
    ],
    [
      { messages: [user, assistant], quality_score: 1.01 },
      'quality_score',
      'must be a number from 0 to 1, not 1.01',
    ],
    [
      { messages: [user, assistant], quality_score: '1' },
      'quality_score',
      'must be a number from 0 to 1, not "1"',
    ],
  ])('names what is at fault (%#)', (value, field, reason) => {
    expect(parseExample(value, 3)).toEqual({ fault: { line: 3, field, reason } });
  });
});
