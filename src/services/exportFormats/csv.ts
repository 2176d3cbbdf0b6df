/**
 * A table for people, by RFC 4180 in UTF-8: a record an example, with what it says in words and, in `messages` and
 * `tools`, as JSON. A cell that begins with = + - @ (of full width too), a tab, a line break or an apostrophe gets an apostrophe in
 * front, so that no spreadsheet takes what a caller said for a formula; to read it back take one leading apostrophe away.
 * Only what never changes has a column, so that a lost file can be written again: no scores, no reviewers.
 */
import { chatLineOf, type ChatFileMessage } from '../jsonl.ts';
import { summaryOf } from '../exampleSummary.ts';
import type { Format } from './types.ts';

const COLUMNS = [
  'line',
  'example_id',
  'revision',
  'source',
  'call_sid',
  'system_prompt',
  'conversation',
  'user_message',
  'assistant_response',
  'messages',
  'tools',
  'parallel_tool_calls',
];

export const csv: Format = {
  version: 2,
  extension: 'csv',
  contentType: 'text/csv; charset=utf-8; header=present',
  method: null,
  callSid: true,
  head: `${COLUMNS.join(',')}\r\n`,
  render({ wording, exampleId, exampleRevision, source, callSid }, systemPrompt, lineOfFile) {
    const { messages, tools, parallel_tool_calls: parallel } = chatLineOf({ systemPrompt, ...wording });
    const [first] = messages;
    const prompt = first?.role === 'system' ? (first.content ?? '') : '';
    const { userMessage, assistantResponse } = summaryOf(messages);
    const cells = [
      String(lineOfFile),
      exampleId,
      String(exampleRevision),
      source,
      callSid ?? '',
      prompt,
      messages
        .filter((message) => message !== first || prompt === '')
        .map(inWords)
        .join('\n'),
      userMessage,
      assistantResponse,
      JSON.stringify(messages),
      tools ? JSON.stringify(tools) : '',
      parallel === undefined ? '' : String(parallel),
    ];
    return `${cells.map(cell).join(',')}\r\n`;
  },
};

function inWords({ role, content, tool_calls: calls = [] }: ChatFileMessage): string {
  const called = calls.map(({ function: { name, arguments: given } }) => `${name}(${given})`);
  return `${role}: ${[content ?? '', ...called].filter((part) => part !== '').join(' ')}`;
}

function cell(text: string): string {
  const harmless = /^[=+\-@＝＋－＠\t\r\n']/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
