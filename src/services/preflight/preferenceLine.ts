/** A line of preference data: `{input: {messages, tools?, parallel_tool_calls?}, preferred_output, non_preferred_output}`. */
import { isRecord } from '../importFormats/types.ts';
import { checkContext, checkKeys, checkMessages, messageRules } from './messages.ts';
import { error, quoted, warning, type Tell } from './rule.ts';
import { checkTools, noCalls, type Called } from './tools.ts';

export const preferenceRules = {
  inputMissing: error(
    'INPUT_MISSING',
    'A line of preference data must have input.messages, a list of at least one: what both answers reply to.',
  ),
  outputMissing: error(
    'OUTPUT_MISSING',
    'preferred_output and non_preferred_output must each be a list of at least one message. Older names are not read.',
  ),
  outputRole: error('OUTPUT_ROLE', 'An output may hold messages of the assistant and of tools alone.'),
  outputsEqual: warning(
    'OUTPUTS_EQUAL',
    'The preferred output is the same as the other, so there is nothing to prefer. Leave the line out.',
  ),
};

const KEYS = new Set(['input', 'preferred_output', 'non_preferred_output']);
const INPUT_KEYS = new Set(['messages', 'tools', 'parallel_tool_calls']);
const TEXT_ALONE = { weights: false, images: false };

export function checkPreferenceLine(line: Record<string, unknown>, tell: Tell): void {
  checkKeys(line, KEYS, '', tell);
  const { input, preferred_output: preferred, non_preferred_output: other } = line;
  const called = checkInput(input, tell);
  for (const [key, output] of Object.entries({ preferred_output: preferred, non_preferred_output: other })) {
    const calls = { ...called, ids: new Set(called.ids), open: new Set(called.open) };
    checkOutput(output, key, calls, tell);
  }
  if (Array.isArray(preferred) && JSON.stringify(preferred) === JSON.stringify(other))
    tell(preferenceRules.outputsEqual, 'preferred_output');
}

function checkInput(input: unknown, tell: Tell): Called {
  if (!isRecord(input)) {
    tell(preferenceRules.inputMissing, 'input');
    return noCalls(new Set());
  }
  checkKeys(input, INPUT_KEYS, 'input', tell);
  const called = noCalls(checkTools(input, 'input.', tell));
  const { messages } = input;
  if (!Array.isArray(messages) || messages.length === 0) {
    tell(preferenceRules.inputMissing, 'input.messages');
    return called;
  }
  checkMessages(messages, 'input.messages', TEXT_ALONE, called, tell);
  checkContext(messages, 'input.messages', tell);
  return called;
}

function checkOutput(output: unknown, key: string, called: Called, tell: Tell): void {
  if (!Array.isArray(output) || output.length === 0) {
    tell(preferenceRules.outputMissing, key);
    return;
  }
  checkMessages(output, key, TEXT_ALONE, called, tell);
  const roles = output.map((message: unknown) => (isRecord(message) ? message.role : undefined));
  for (const [index, role] of roles.entries()) {
    if (role === 'system' || role === 'user' || role === 'function')
      tell(preferenceRules.outputRole, `${key}[${index}].role`, quoted(role));
  }
  if (!roles.includes('assistant')) tell(messageRules.assistantMissing, key);
  else if (roles.at(-1) !== 'assistant')
    tell(messageRules.lastNotAssistant, `${key}[${roles.length - 1}].role`);
}
