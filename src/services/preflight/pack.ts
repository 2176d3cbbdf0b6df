import type { Rule, Tell } from './rule.ts';
import type { Settings } from './settings.ts';

/** What a base model takes. */
export interface Limits {
  /** Fewer examples are refused. */
  minExamples: number;
  /** What an example has beyond is cut off. */
  maxExampleTokens: number;
  maxFileBytes: number;
}

/** The rules of one provider. A pack is one file, listed in packs.ts. */
export interface RulePack {
  /** The provider's name. */
  provider: string;
  /** Every rule of the pack. */
  rules: readonly Rule[];
  /** For a base model that the catalogue does not know. */
  limits: Limits;
  /** Tells what to know of a number of examples that suffices. */
  count: (examples: number, tell: Tell) => void;
  /** By export format, what judges a line of it. What is not here is not trained on. */
  formats: Readonly<Partial<Record<string, (line: Record<string, unknown>, tell: Tell) => void>>>;
  settings: (settings: Settings, tell: Tell) => void;
}
