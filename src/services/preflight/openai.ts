/** What OpenAI demands and advises: its fine-tuning guides, its API reference and its cookbook. */
import { chatRules, checkChatLine } from './chatLine.ts';
import { fileRules } from './fileRules.ts';
import { messageRules } from './messages.ts';
import type { RulePack } from './pack.ts';
import { checkPreferenceLine, preferenceRules } from './preferenceLine.ts';
import { warning } from './rule.ts';
import { checkSettings, settingRules } from './settings.ts';
import { toolRules } from './tools.ts';

/** Below this many examples a tuned model seldom gets better: the guide recommends 50 to 100. */
const RECOMMENDED_EXAMPLES = 50;

const fewExamples = (examples: number) =>
  warning(
    'FEW_EXAMPLES',
    `Only ${examples} examples: providers recommend ${RECOMMENDED_EXAMPLES} to 100 or more for a model that gets better.`,
  );

export const openai: RulePack = {
  provider: 'openai',
  rules: [
    ...[fileRules, messageRules, toolRules, chatRules, preferenceRules, settingRules].flatMap((rules) =>
      Object.values(rules),
    ),
    fewExamples(0),
  ],
  limits: { minExamples: 10, maxExampleTokens: 65_536, maxFileBytes: 512 * 1024 * 1024 },
  count(examples, tell) {
    if (examples < RECOMMENDED_EXAMPLES) tell(fewExamples(examples), null);
  },
  formats: { OPENAI_CHAT_JSONL: checkChatLine, OPENAI_DPO_JSONL: checkPreferenceLine },
  settings: checkSettings,
};
