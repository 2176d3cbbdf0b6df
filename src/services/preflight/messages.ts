/** The rules of a conversation's messages, whichever format they stand in. */
import { isRecord } from '../importFormats/types.ts';
import { error, info, quoted, warning, type Tell } from './rule.ts';
import { checkCalls, checkFunctionCall, type Called } from './tools.ts';

export const messageRules = {
  unknownKey: error(
    'UNKNOWN_KEY',
    'The provider knows no such key here and refuses the file. Leave the key out.',
  ),
  messageShape: error('MESSAGE_SHAPE', 'A message must be an object with role and content.'),
  roleUnknown: error('ROLE_UNKNOWN', 'The role must be system, user, assistant or tool.'),
  contentMissing: error(
    'CONTENT_MISSING',
    'The message has no content. Give it a text; an assistant may call tools instead.',
  ),
  contentEmpty: error('CONTENT_EMPTY', 'The message is empty. Give it a text, or leave the message out.'),
  contentType: error(
    'CONTENT_TYPE',
    'The content must be text, or a list of text parts; images are for system and user messages of chat lines.',
  ),
  weightValue: error('WEIGHT_VALUE', 'A weight must be 0 (not learned) or 1 (learned).'),
  weightRole: error('WEIGHT_ROLE', 'Only assistant messages of chat lines have a weight. Leave it out here.'),
  nameInvalid: error(
    'NAME_INVALID',
    'A name must be text of 1 to 64 characters. Shorten it or leave it out.',
  ),
  nameCharacters: warning(
    'NAME_CHARACTERS',
    'The chat API takes no names with white space or < | \\ / >: a model tuned to one cannot be asked with it. Rename it.',
  ),
  assistantMissing: error(
    'ASSISTANT_MISSING',
    'There is no message of the assistant, and so nothing to learn. Add one, or leave the example out.',
  ),
  lastNotAssistant: error(
    'LAST_NOT_ASSISTANT',
    'The last message must be the assistant’s. Add its answer, or cut what follows it.',
  ),
  userMissing: warning(
    'USER_MISSING',
    'There is no message of a user: the model learns to speak without being asked. Check that it is meant so.',
  ),
  systemNotFirst: warning(
    'SYSTEM_NOT_FIRST',
    'A system message stands after others. Put it first, where it will stand when the model is asked.',
  ),
  oldFunctions: warning(
    'OLD_FUNCTIONS',
    'functions, function_call and the role function are deprecated. Use tools, tool_calls and the role tool.',
  ),
  images: info('IMAGES', 'The line has images. Of the base models only gpt-4o learns from them.'),
};

const TEXT_ROLE_KEYS = new Set(['role', 'content', 'name']);
const KEYS: Record<string, ReadonlySet<string>> = {
  system: TEXT_ROLE_KEYS,
  user: TEXT_ROLE_KEYS,
  assistant: new Set(['role', 'content', 'name', 'weight', 'refusal', 'tool_calls', 'function_call']),
  tool: new Set(['role', 'content', 'name', 'tool_call_id']),
  function: TEXT_ROLE_KEYS,
};

/** The sort of line that messages stand in. */
export interface Conversation {
  /** Whether some of what the assistant says may be left unlearned. */
  weights: boolean;
  images: boolean;
}

/** What the messages before these have called and not heard of yet; see checkCalls. */
export function checkMessages(
  messages: readonly unknown[],
  path: string,
  { weights, images }: Conversation,
  called: Called,
  tell: Tell,
): void {
  for (const [index, message] of messages.entries()) {
    const at = `${path}[${index}]`;
    if (!isRecord(message)) {
      tell(messageRules.messageShape, at);
      continue;
    }
    const { role } = message;
    const keys = typeof role === 'string' && Object.hasOwn(KEYS, role) ? KEYS[role] : undefined;
    if (keys === undefined || typeof role !== 'string') {
      tell(messageRules.roleUnknown, `${at}.role`, quoted(role));
      continue;
    }
    for (const key of Object.keys(message)) {
      if (keys.has(key)) continue;
      if (key === 'weight') tell(messageRules.weightRole, `${at}.weight`);
      else tell(messageRules.unknownKey, `${at}.${key}`);
    }
    checkName(message, `${at}.name`, tell);
    checkContent(message, at, images, tell);
    if (role === 'assistant') checkWeight(message, `${at}.weight`, weights, tell);
    if (role === 'function') tell(messageRules.oldFunctions, `${at}.role`);
    checkFunctionCall(message, at, tell);
    checkCalls(message, at, called, tell);
  }
}

function checkName({ role, name }: Record<string, unknown>, field: string, tell: Tell): void {
  if (name === undefined && role !== 'function') return;
  // Characters are counted, not UTF-16's halves of them.
  if (typeof name !== 'string' || name === '' || Array.from(name).length > 64)
    tell(messageRules.nameInvalid, field);
  else if (/[\s<|\\/>]/.test(name)) tell(messageRules.nameCharacters, field, quoted(name));
}

function checkWeight({ weight }: Record<string, unknown>, field: string, weights: boolean, tell: Tell): void {
  if (weight === undefined) return;
  if (!weights) tell(messageRules.weightRole, field);
  else if (weight !== 0 && weight !== 1) tell(messageRules.weightValue, field, quoted(weight));
}

function checkContent(
  { role, content, refusal, ...message }: Record<string, unknown>,
  at: string,
  images: boolean,
  tell: Tell,
): void {
  const field = `${at}.content`;
  const calls = message.tool_calls !== undefined || message.function_call !== undefined;
  const mayBeSilent = role === 'assistant' && (calls || (typeof refusal === 'string' && refusal !== ''));
  if (role === 'assistant' && refusal !== undefined && refusal !== null && typeof refusal !== 'string')
    tell(messageRules.contentType, `${at}.refusal`);
  if (content === undefined || content === null) {
    const allowed = mayBeSilent || (role === 'function' && content === null);
    if (!allowed) tell(messageRules.contentMissing, field);
    return;
  }
  if (typeof content === 'string') {
    if (content === '' && !mayBeSilent && role !== 'tool' && role !== 'function')
      tell(messageRules.contentEmpty, field);
    return;
  }
  if (!Array.isArray(content) || role === 'function') {
    tell(messageRules.contentType, field, quoted(content));
    return;
  }
  const withImages = images && (role === 'user' || role === 'system');
  const kinds = content.map((part: unknown) => partKind(part, withImages));
  const strange = kinds.indexOf('STRANGE');
  if (strange !== -1) tell(messageRules.contentType, `${field}[${strange}]`);
  else if (kinds.every((kind) => kind === 'EMPTY') && !mayBeSilent && role !== 'tool')
    tell(messageRules.contentEmpty, field);
  if (kinds.includes('IMAGE')) tell(messageRules.images, field);
}

function partKind(part: unknown, images: boolean): 'TEXT' | 'EMPTY' | 'IMAGE' | 'STRANGE' {
  if (!isRecord(part)) return 'STRANGE';
  const { type, text, image_url: image, ...rest } = part;
  if (Object.keys(rest).length > 0) return 'STRANGE';
  if (type === 'text' && typeof text === 'string' && image === undefined)
    return text === '' ? 'EMPTY' : 'TEXT';
  if (!images || type !== 'image_url' || text !== undefined || !isRecord(image)) return 'STRANGE';
  const { url, detail, ...others } = image;
  const known = typeof url === 'string' && (detail === undefined || typeof detail === 'string');
  return known && Object.keys(others).length === 0 ? 'IMAGE' : 'STRANGE';
}

/** How the conversation is put together: who speaks at all, first and last. */
export function checkOrder(messages: readonly unknown[], path: string, tell: Tell): void {
  const roles = messages.map((message) => (isRecord(message) ? message.role : undefined));
  if (!roles.includes('assistant')) tell(messageRules.assistantMissing, path);
  else if (roles.at(-1) !== 'assistant')
    tell(messageRules.lastNotAssistant, `${path}[${roles.length - 1}].role`);
  checkContext(messages, path, tell);
}

/** As checkOrder, of messages that an answer is still to follow. */
export function checkContext(messages: readonly unknown[], path: string, tell: Tell): void {
  const roles = messages.map((message) => (isRecord(message) ? message.role : undefined));
  if (!roles.includes('user')) tell(messageRules.userMissing, path);
  const late = roles.findIndex((role, index) => role === 'system' && index > 0);
  if (late !== -1) tell(messageRules.systemNotFirst, `${path}[${late}].role`);
}

/** Tells of the keys that the object has beside those known. */
export function checkKeys(
  value: Record<string, unknown>,
  known: ReadonlySet<string>,
  path: string,
  tell: Tell,
): void {
  for (const key of Object.keys(value)) {
    if (!known.has(key)) tell(messageRules.unknownKey, path === '' ? key : `${path}.${key}`);
  }
}
