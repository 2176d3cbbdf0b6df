/** The rules of tools, of calls to them and of what they answer. */
import { isRecord } from '../importFormats/types.ts';
import { error, quoted, warning, type Tell } from './rule.ts';

const MOST_TOOLS = 128;
const TOOL_NAME = /^[\w-]{1,64}$/;

export const toolRules = {
  toolsShape: error(
    'TOOLS_SHAPE',
    'tools must be a list of {"type":"function","function":{"name":…}}, with description, parameters and strict as wanted.',
  ),
  tooManyTools: error('TOO_MANY_TOOLS', `An example may offer at most ${MOST_TOOLS} tools. Leave some out.`),
  toolName: error('TOOL_NAME', 'The name of a tool must be 1 to 64 letters, digits, _ or -. Rename it.'),
  toolNameTwice: warning('TOOL_NAME_TWICE', 'Two tools have this name. Keep one of them.'),
  toolParameters: error('TOOL_PARAMETERS', 'The parameters of a tool must be a JSON Schema of type object.'),
  parallelToolCalls: error('PARALLEL_TOOL_CALLS', 'parallel_tool_calls must be true or false.'),
  toolCallsShape: error(
    'TOOL_CALLS_SHAPE',
    'tool_calls must be a list of one or more {"id","type":"function","function":{"name","arguments"}}, arguments as text.',
  ),
  argumentsNotJson: warning(
    'TOOL_ARGUMENTS_NOT_JSON',
    'The arguments of a tool call are no JSON object: the model learns to call the tool wrongly. Mend them.',
  ),
  callIdTwice: error('TOOL_CALL_ID_TWICE', 'Two calls of a message have the same id. Give each its own.'),
  callUnanswered: error(
    'TOOL_CALL_UNANSWERED',
    'A tool call must be answered by a tool message before anybody else speaks, unless it is the end. Add the answer.',
  ),
  answerUnknown: error(
    'TOOL_ANSWER_UNKNOWN',
    'A tool message must have the tool_call_id of a call that the assistant made before.',
  ),
  toolUndefined: warning(
    'TOOL_UNDEFINED',
    'A tool is called that is not among the line’s tools. Offer it there, as it will be when the model is asked.',
  ),
};

/** The calls of a conversation so far. */
export interface Called {
  ids: Set<string>;
  /** Calls of the last message that were not answered yet, and where that message stands. */
  open: Set<string>;
  openAt: string;
  /** The tools on offer. */
  offered: ReadonlySet<string>;
}

export const noCalls = (offered: ReadonlySet<string>): Called => ({
  ids: new Set(),
  open: new Set(),
  openAt: '',
  offered,
});

/** Checks a message's calls, or what it answers, and notes them. */
export function checkCalls(message: Record<string, unknown>, at: string, called: Called, tell: Tell): void {
  if (message.role === 'tool') {
    const id = message.tool_call_id;
    if (typeof id !== 'string' || !called.ids.has(id))
      tell(toolRules.answerUnknown, `${at}.tool_call_id`, quoted(id));
    else called.open.delete(id);
    return;
  }
  if (called.open.size > 0) {
    for (const id of called.open) tell(toolRules.callUnanswered, called.openAt, quoted(id));
    called.open.clear();
  }
  if (message.role !== 'assistant' || message.tool_calls === undefined) return;
  const field = `${at}.tool_calls`;
  const calls: unknown = message.tool_calls;
  if (!Array.isArray(calls) || calls.length === 0) {
    tell(toolRules.toolCallsShape, field);
    return;
  }
  called.openAt = field;
  for (const [index, call] of calls.entries()) checkCall(call, `${field}[${index}]`, called, tell);
}

function checkCall(call: unknown, at: string, called: Called, tell: Tell): void {
  const { id, type, function: of, ...rest }: Record<string, unknown> = isRecord(call) ? call : {};
  if (!isRecord(of)) {
    tell(toolRules.toolCallsShape, at);
    return;
  }
  const { name, arguments: given, ...others } = of;
  const shaped =
    typeof id === 'string' &&
    id !== '' &&
    type === 'function' &&
    typeof name === 'string' &&
    typeof given === 'string';
  if (!shaped || [rest, others].some((more) => Object.keys(more).length > 0)) {
    tell(toolRules.toolCallsShape, at);
    return;
  }
  if (called.open.has(id)) tell(toolRules.callIdTwice, `${at}.id`, quoted(id));
  called.open.add(id);
  called.ids.add(id);
  checkArguments(name, given, `${at}.function`, tell);
  if (!called.offered.has(name)) tell(toolRules.toolUndefined, `${at}.function.name`, quoted(name));
}

function checkArguments(name: string, given: string, at: string, tell: Tell): void {
  if (!TOOL_NAME.test(name)) tell(toolRules.toolName, `${at}.name`, quoted(name));
  let parsed: unknown;
  try {
    parsed = JSON.parse(given);
  } catch {
    parsed = undefined;
  }
  if (!isRecord(parsed)) tell(toolRules.argumentsNotJson, `${at}.arguments`);
}

/** The deprecated way to call one function, which nothing need answer. */
export function checkFunctionCall(message: Record<string, unknown>, at: string, tell: Tell): void {
  const call = message.function_call;
  if (message.role !== 'assistant' || call === undefined) return;
  const { name, arguments: given, ...rest }: Record<string, unknown> = isRecord(call) ? call : {};
  if (typeof name === 'string' && typeof given === 'string' && Object.keys(rest).length === 0)
    checkArguments(name, given, `${at}.function_call`, tell);
  else tell(toolRules.toolCallsShape, `${at}.function_call`);
}

/** Checks what a line offers, and returns the names of it. */
export function checkTools(line: Record<string, unknown>, path: string, tell: Tell): ReadonlySet<string> {
  const names = new Set<string>();
  const { tools, parallel_tool_calls: parallel } = line;
  if (parallel !== undefined && typeof parallel !== 'boolean')
    tell(toolRules.parallelToolCalls, `${path}parallel_tool_calls`, quoted(parallel));
  if (tools === undefined) return names;
  const field = `${path}tools`;
  if (!Array.isArray(tools)) {
    tell(toolRules.toolsShape, field);
    return names;
  }
  if (tools.length > MOST_TOOLS) tell(toolRules.tooManyTools, field, String(tools.length));
  for (const [index, tool] of tools.entries()) checkTool(tool, `${field}[${index}]`, names, tell);
  return names;
}

function checkTool(tool: unknown, at: string, names: Set<string>, tell: Tell): void {
  if (
    !isRecord(tool) ||
    tool.type !== 'function' ||
    !isRecord(tool.function) ||
    Object.keys(tool).length > 2
  ) {
    tell(toolRules.toolsShape, at);
    return;
  }
  const { name, description, parameters, strict, ...rest } = tool.function;
  const shaped =
    typeof name === 'string' &&
    (description === undefined || typeof description === 'string') &&
    (strict === undefined || strict === null || typeof strict === 'boolean') &&
    Object.keys(rest).length === 0;
  if (!shaped) {
    tell(toolRules.toolsShape, `${at}.function`);
    return;
  }
  if (!TOOL_NAME.test(name)) tell(toolRules.toolName, `${at}.function.name`, quoted(name));
  if (names.has(name)) tell(toolRules.toolNameTwice, `${at}.function.name`, quoted(name));
  names.add(name);
  if (parameters === undefined) return;
  const isSchema = isRecord(parameters) && (parameters.type === undefined || parameters.type === 'object');
  if (!isSchema) tell(toolRules.toolParameters, `${at}.function.parameters`);
}
