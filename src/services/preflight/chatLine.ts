/** A line of chat: `{messages, tools?, parallel_tool_calls?}`. */
import { isRecord } from '../importFormats/types.ts';
import { checkKeys, checkMessages, checkOrder, messageRules } from './messages.ts';
import { error, type Tell } from './rule.ts';
import { checkTools, noCalls, toolRules } from './tools.ts';

export const chatRules = {
  messagesMissing: error(
    'MESSAGES_MISSING',
    'A line of chat must have messages, a list of at least one. Check that the file is in this format.',
  ),
  nothingLearned: error(
    'NOTHING_LEARNED',
    'Every message of the assistant has weight 0, so nothing is learned from the line. Give one the weight 1.',
  ),
};

const KEYS = new Set(['messages', 'tools', 'parallel_tool_calls', 'functions']);

export function checkChatLine(line: Record<string, unknown>, tell: Tell): void {
  checkKeys(line, KEYS, '', tell);
  const offered = checkTools(line, '', tell);
  checkFunctions(line.functions, tell);
  const { messages } = line;
  if (!Array.isArray(messages) || messages.length === 0) {
    tell(chatRules.messagesMissing, 'messages');
    return;
  }
  checkMessages(messages, 'messages', { weights: true, images: true }, noCalls(offered), tell);
  checkOrder(messages, 'messages', tell);
  const answers = messages.filter((message: unknown) => isRecord(message) && message.role === 'assistant');
  if (answers.length > 0 && answers.every((message: unknown) => isRecord(message) && message.weight === 0))
    tell(chatRules.nothingLearned, 'messages');
}

function checkFunctions(functions: unknown, tell: Tell): void {
  if (functions === undefined) return;
  tell(messageRules.oldFunctions, 'functions');
  if (!Array.isArray(functions) || !functions.every(named)) tell(toolRules.toolsShape, 'functions');
}

const named = (one: unknown) => isRecord(one) && typeof one.name === 'string' && one.name !== '';
