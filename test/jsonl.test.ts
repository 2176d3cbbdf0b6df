import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderChatLine, type ChatExample } from '../src/services/jsonl.ts';

const bare = { systemPrompt: null, tools: null, parallelToolCalls: null };
const hello = [
  { role: 'user', content: 'Hello?' },
  { role: 'assistant', content: 'Hi.' },
];

describe('the line', () => {
  test('has its keys in one order, whatever the order in the input', () => {
    const line = renderChatLine({
      systemPrompt: 'Be brief.',
      parallelToolCalls: false,
      tools: [
        {
          function: {
            strict: true,
            parameters: { type: 'object', properties: { b: {}, a: {} } },
            description: 'Finds',
            name: 'find',
          },
          type: 'function',
        },
      ],
      messages: [
        { name: 'Ann', content: 'Where is it?', role: 'user' },
        {
          tool_calls: [{ function: { arguments: '{"q":1}', name: 'find' }, type: 'function', id: 'call_1' }],
          weight: 0,
          content: null,
          role: 'assistant',
        },
        { tool_call_id: 'call_1', content: 'there', role: 'tool' },
        { weight: 1, name: 'bot', content: 'There.', role: 'assistant' },
      ],
    });
    expect(line).toBe(
      '{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Where is it?","name":"Ann"},' +
        '{"role":"assistant","content":null,"weight":0,"tool_calls":[{"id":"call_1","type":"function",' +
        '"function":{"name":"find","arguments":"{\\"q\\":1}"}}]},{"role":"tool","content":"there","tool_call_id":"call_1"},' +
        '{"role":"assistant","content":"There.","name":"bot","weight":1}],' +
        '"tools":[{"type":"function","function":{"name":"find","description":"Finds",' +
        '"parameters":{"type":"object","properties":{"b":{},"a":{}}},"strict":true}}],"parallel_tool_calls":false}',
    );
  });

  test('holds nothing that the example does not', () => {
    expect(renderChatLine({ ...bare, messages: hello })).toBe(
      '{"messages":[{"role":"user","content":"Hello?"},{"role":"assistant","content":"Hi."}]}',
    );
  });

  test.each([
    ['null', null],
    ['an empty list', []],
  ])('leaves out tools that are %s', (_what, tools) => {
    expect(JSON.parse(renderChatLine({ ...bare, messages: hello, tools }))).toEqual({ messages: hello });
  });

  test('leaves out what is null in a message, except its content', () => {
    const messages = [
      { role: 'user', content: 'Hello?', name: null, weight: null, tool_calls: null, tool_call_id: null },
      { role: 'assistant', content: null },
    ];
    expect(renderChatLine({ ...bare, messages })).toBe(
      '{"messages":[{"role":"user","content":"Hello?"},{"role":"assistant","content":null}]}',
    );
  });

  test('keeps a parameter called __proto__', () => {
    const parameters: unknown = JSON.parse('{"__proto__":{"type":"string"}}');
    const tools = [{ type: 'function', function: { name: 'f', parameters } }];
    expect(renderChatLine({ ...bare, messages: hello, tools })).toContain('{"__proto__":{"type":"string"}}');
  });
});

describe('the system prompt', () => {
  test('goes first', () => {
    const line = renderChatLine({ ...bare, systemPrompt: 'Be kind.', messages: hello });
    expect(JSON.parse(line)).toEqual({ messages: [{ role: 'system', content: 'Be kind.' }, ...hello] });
  });

  test("gives way to the example's own", () => {
    const messages = [{ role: 'system', content: 'Own.' }, ...hello];
    expect(JSON.parse(renderChatLine({ ...bare, systemPrompt: 'Be kind.', messages }))).toEqual({ messages });
  });

  test('is none when it is empty', () => {
    expect(JSON.parse(renderChatLine({ ...bare, systemPrompt: '', messages: hello }))).toEqual({
      messages: hello,
    });
  });
});

describe('what is not in the stored shape is refused, not left out', () => {
  test.each<[string, Partial<ChatExample>]>([
    ['messages: ', { messages: null }],
    ['messages: ', { messages: [] }],
    ['messages.0.role', { messages: [{ role: 'developer', content: 'secret' }] }],
    ['messages.0: ', { messages: [{ role: 'user', content: 'secret', audio: 'x' }] }],
    ['messages.0.content', { messages: [{ role: 'user', content: ['secret'] }] }],
    ['messages.0.weight', { messages: [{ role: 'assistant', content: 'secret', weight: 2 }] }],
    [
      'messages.0.tool_calls.0',
      { messages: [{ role: 'assistant', content: null, tool_calls: [{ id: 'secret' }] }] },
    ],
    [
      'tools.0.function.parameters',
      { tools: [{ type: 'function', function: { name: 'f', parameters: [] } }] },
    ],
    ['tools.0.type', { tools: [{ type: 'retrieval', function: { name: 'secret' } }] }],
  ])('%s', (place, part) => {
    const render = () => renderChatLine({ ...bare, messages: hello, ...part });
    expect(render).toThrow(`The example is not in the chat format: ${place}`);
    expect(render).not.toThrow('secret');
  });
});

describe('of any example', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\n', '\r\n', '\u2028', '\u2029', '"', '\\', '\u0085', '\ud800', '😀'),
  );
  const message = fc.oneof(
    fc.record(
      { role: fc.constantFrom('system', 'user'), content: text, name: text },
      { requiredKeys: ['role', 'content'] },
    ),
    fc.record(
      {
        role: fc.constant('assistant'),
        content: fc.option(text),
        name: text,
        weight: fc.constantFrom(0, 1),
        tool_calls: fc.array(
          fc.record({
            id: text,
            type: fc.constant('function'),
            function: fc.record({ name: text, arguments: fc.json() }),
          }),
        ),
      },
      { requiredKeys: ['role', 'content'] },
    ),
    fc.record({ role: fc.constant('tool'), content: text, tool_call_id: text }),
  );
  const tool = fc.record({
    type: fc.constant('function'),
    function: fc.record(
      {
        name: text,
        description: text,
        parameters: fc.dictionary(text, fc.jsonValue()),
        strict: fc.boolean(),
      },
      { requiredKeys: ['name'] },
    ),
  });
  const example = fc.record({
    messages: fc.array(message, { minLength: 1, maxLength: 6 }),
    tools: fc.option(fc.array(tool, { minLength: 1, maxLength: 3 })),
    parallelToolCalls: fc.option(fc.boolean()),
  });

  test('it is one line that reads back as the example', () => {
    fc.assert(
      fc.property(example, fc.option(text), ({ messages, tools, parallelToolCalls }, systemPrompt) => {
        const line = renderChatLine({ systemPrompt, messages, tools, parallelToolCalls });
        expect(line).not.toMatch(/[\n\r]/);
        const prompted = systemPrompt && messages[0]?.role !== 'system';
        const expected = {
          messages: [...(prompted ? [{ role: 'system', content: systemPrompt }] : []), ...messages],
          ...(tools && { tools }),
          ...(parallelToolCalls !== null && { parallel_tool_calls: parallelToolCalls }),
        };
        // Compared as JSON values: -0 and null prototypes are the generator's, not JSON's.
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(expected)));
      }),
    );
  });

  test('it does not depend on the order of keys', () => {
    fc.assert(
      fc.property(example, text, ({ messages, tools, parallelToolCalls }, systemPrompt) => {
        const line = renderChatLine({ systemPrompt, messages, tools, parallelToolCalls });
        const reversed = renderChatLine({
          parallelToolCalls,
          tools:
            tools?.map(({ type, function: offered }) => backwards({ type, function: backwards(offered) })) ??
            null,
          messages: messages.map((given) =>
            backwards(
              'tool_calls' in given
                ? {
                    ...given,
                    tool_calls: given.tool_calls.map((call) =>
                      backwards({ ...call, function: backwards(call.function) }),
                    ),
                  }
                : given,
            ),
          ),
          systemPrompt,
        });
        expect(reversed).toBe(line);
      }),
    );
  });
});

function backwards(value: object): object {
  return Object.fromEntries(Object.entries(value).toReversed());
}
