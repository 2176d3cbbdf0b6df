/**
 * What can be validated is what the provider's line rules take, for which the sandbox's reader stands here, but for two
 * rules of tool calls, which the pre-flight holds before a launch.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readExample } from '../src/sandbox/lines.ts';
import { parseExample } from '../src/services/importFormats/index.ts';
import { isRecord } from '../src/services/importFormats/types.ts';
import { renderChatLine } from '../src/services/jsonl.ts';
import { checkChatLine } from '../src/services/preflight/chatLine.ts';
import type { Tell } from '../src/services/preflight/rule.ts';
import { countsOf, examplesOf, exportedLines } from './support/calls.ts';
import { sixExamples, validate } from './support/review.ts';
import { sharedServer } from './support/server.ts';

const words = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('Hello', ' ', '\n', '\u2028', '\uFEFF', '👍') },
  { weight: 1, arbitrary: fc.constant('') },
);
const id = fc.constantFrom('1', '2');
const calls = fc.array(
  fc.record({
    id,
    type: fc.constant('function'),
    function: fc.record({ name: fc.constantFrom('f', 'g'), arguments: fc.constantFrom('{}', '') }),
  }),
  { minLength: 1, maxLength: 2 },
);
const optional = { requiredKeys: ['role', 'content'] as ['role', 'content'] };
const message = fc.oneof(
  fc.record({ role: fc.constant('user'), content: words, name: words }, optional),
  fc.record(
    {
      role: fc.constant('assistant'),
      content: fc.option(words),
      tool_calls: calls,
      weight: fc.constantFrom(0, 1),
    },
    optional,
  ),
  fc.record({ role: fc.constant('tool'), content: words, tool_call_id: id }),
);
const conversation = fc
  .tuple(
    fc.array(fc.record({ role: fc.constant('system'), content: words }), { maxLength: 1 }),
    fc.array(message, { maxLength: 5 }),
    words,
    words,
  )
  .map(([system, middle, question, answer]) => [
    ...system,
    ...middle,
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ]);
const tools = fc.option(
  fc.array(
    fc.record({
      type: fc.constant('function'),
      function: fc.record(
        { name: fc.constant('f'), description: fc.option(words), strict: fc.option(fc.boolean()) },
        { requiredKeys: ['name'] },
      ),
    }),
    { maxLength: 2 },
  ),
);

function isTaken(text: string): boolean {
  try {
    readExample({ number: 1, text });
    return true;
  } catch {
    return false;
  }
}

const BEFORE_LAUNCH = new Set(['TOOL_CALL_UNANSWERED', 'TOOL_CALL_ID_TWICE']);

/** The rules by which the pre-flight refuses a line. */
function refusals(line: unknown): string[] {
  const rules: string[] = [];
  const tell: Tell = ({ name, severity }) => void (severity === 'ERROR' && rules.push(name));
  if (isRecord(line)) checkChatLine(line, tell);
  return rules;
}

test('the pre-flight and the sandbox say the same of any conversation', () => {
  fc.assert(
    fc.property(conversation, tools, (messages, offered) => {
      const line: unknown = JSON.parse(JSON.stringify({ messages, tools: offered ?? undefined }));
      expect(isTaken(JSON.stringify(line))).toBe(refusals(line).length === 0);
    }),
    { numRuns: 3000 },
  );
});

test('every example that is accepted makes a line that the provider takes', () => {
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.record({ messages: conversation, tools, parallel_tool_calls: fc.option(fc.boolean()) }),
      fc.option(words),
      (value, systemPrompt) => {
        const parsed = parseExample(value, 1);
        if ('fault' in parsed) return;
        accepted += 1;
        const text = renderChatLine({ systemPrompt, ...parsed.example });
        const refused = refusals(JSON.parse(text));
        expect(isTaken(text)).toBe(refused.length === 0);
        expect(refused.filter((rule) => !BEFORE_LAUNCH.has(rule))).toEqual([]);
      },
    ),
    { numRuns: 3000 },
  );
  expect(accepted).toBeGreaterThan(300);
});

test('the database judges messages as the provider does', async () => {
  const { db } = await sharedServer();
  const samples = fc.sample(conversation, 1000);
  const rows = await db.asSystem(
    (tx) => tx.$queryRaw<{ trainable: boolean }[]>`
      SELECT messages_trainable(messages) AS trainable
      FROM jsonb_array_elements(${JSON.stringify(samples)}::jsonb) WITH ORDINALITY AS listed (messages, place)
      ORDER BY place`,
  );
  // A name is judged when it comes, not by the database.
  const unnamed = samples.map((messages) => messages.map((given) => ({ ...given, name: undefined })));
  const taken = unnamed.map((messages) => {
    const line: unknown = JSON.parse(JSON.stringify({ messages }));
    return refusals(line).every((rule) => BEFORE_LAUNCH.has(rule) || rule === 'NOTHING_LEARNED');
  });
  expect(rows.map(({ trainable }) => trainable)).toEqual(taken);
  expect(new Set(taken)).toEqual(new Set([true, false]));
});

test('an example of old without words cannot be validated, and so never exported', async () => {
  const [client, datasetId, ids] = await sixExamples();
  const { db } = await sharedServer();
  const [first = '', second = ''] = ids;
  await db.withTenant(
    client.tenantId,
    (tx) => tx.$executeRaw`
      UPDATE finetuning_examples SET messages = jsonb_set(messages, '{0,content}', '""')
      WHERE dataset_id = (SELECT id FROM finetuning_datasets) AND user_message = 'Q1'`,
  );
  expect(await validate(client, { ids: [first, second] })).toMatchObject({
    __typename: 'InvalidInputError',
    faults: [{ field: 'input.ids[1]' }],
  });
  expect(await countsOf(client, datasetId)).toMatchObject({ validatedCount: 0 });
  expect(await validate(client, { datasetId })).toMatchObject({ matched: 6, changed: 5 });
  expect(await countsOf(client, datasetId)).toMatchObject({ validatedCount: 5, rejectedCount: 1 });
  expect((await examplesOf(client, datasetId))[1]).toMatchObject({ validated: false });
  const lines = await exportedLines(client, datasetId);
  expect(lines.length).toBe(5);
  expect(lines.every(isTaken)).toBe(true);
});
