/** The sandbox stands in for OpenAI, and is held to the same. */
import { openai } from './openai.ts';
import type { RulePack } from './pack.ts';

export const sandbox: RulePack = { ...openai, provider: 'sandbox' };
