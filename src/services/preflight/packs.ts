import { openai } from './openai.ts';
import type { RulePack } from './pack.ts';
import { sandbox } from './sandbox.ts';

/** All packs of rules. */
export const packs: readonly RulePack[] = [openai, sandbox];

/** The pack of a provider. Throws an Error when there is none: a provider comes with its pack. */
export function packOf(provider: string): RulePack {
  const pack = packs.find((one) => one.provider === provider);
  if (pack === undefined) throw new Error(`There are no pre-flight rules for the provider ${provider}`);
  return pack;
}
