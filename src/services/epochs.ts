/**
 * How often a file is learned. OpenAI has published one rule, in its cookbook ("Data preparation and analysis for chat
 * model fine-tuning"): 3 times, unless examples times epochs leaves 100 to 25,000; then what whole division makes fit, at
 * least 1 and at most 25.
 */

const TARGET = 3;
const FEWEST_EXAMPLES = 100;
const MOST_EXAMPLES = 25_000;
const MOST_EPOCHS = 25;

export interface Range {
  lower: number;
  expected: number;
  upper: number;
}

/** What `auto` comes to by the rule. */
export function autoEpochs(examples: number): number {
  if (examples * TARGET < FEWEST_EXAMPLES)
    return Math.min(MOST_EPOCHS, Math.floor(FEWEST_EXAMPLES / examples));
  if (examples * TARGET > MOST_EXAMPLES) return Math.max(1, Math.floor(MOST_EXAMPLES / examples));
  return TARGET;
}

/**
 * What is certain of the number of epochs. Given, it is that. Left to the provider, the rule is what to expect, and no
 * promise: what the rule's own limits allow is how far it may be off, from the fewest epochs that learn 100 examples
 * to the most that learn no more than 25,000, within 1 and 25.
 */
export function epochRange(examples: number, nEpochs: number | null): Range {
  if (nEpochs !== null) return { lower: nEpochs, expected: nEpochs, upper: nEpochs };
  const expected = autoEpochs(examples);
  return {
    lower: Math.min(expected, within(Math.ceil(FEWEST_EXAMPLES / examples))),
    expected,
    upper: Math.max(expected, within(Math.floor(MOST_EXAMPLES / examples))),
  };
}

const within = (epochs: number) => Math.min(MOST_EPOCHS, Math.max(1, epochs));
