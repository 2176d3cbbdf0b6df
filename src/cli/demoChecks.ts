/** The demo's look at what would be trained, before anything is paid for. */
import { succeeded } from './client.ts';
import { FindDuplicates, LookBeforePaying } from './demoDocuments.ts';
import type { DemoContext } from './demoSteps.ts';
import { BASE_MODEL, EPOCHS, PROVIDER } from './demoTraining.ts';
import { CliError } from './failure.ts';
import { counted, formatNumber, formatUsd } from './terminalText.ts';
import type { CliLookBeforePayingQuery } from '../generated/gql/graphql.ts';

type Dataset = NonNullable<CliLookBeforePayingQuery['dataset']>;

/** How many of the rules or kinds that were met are named. */
const NAMED = 4;

/** Step 5. Throws CliError when the provider would refuse the file. */
export async function check({ client, screen }: DemoContext, datasetId: string): Promise<void> {
  screen.step(
    'Check before paying',
    'mutation findDuplicates · query preflight, costEstimate',
    'What would be trained, what is wrong with it, whose data it holds, and what it will cost.',
  );
  screen.waiting('looking for near-duplicates …');
  const { compared, groups, examples } = succeeded(
    (await client.run(FindDuplicates, { input: { datasetId } })).findDuplicates,
  );
  screen.waiting('checking every line …');
  const { dataset, preflight } = await client.run(LookBeforePaying, {
    id: datasetId,
    provider: PROVIDER,
    baseModel: BASE_MODEL,
    nEpochs: EPOCHS,
  });
  if (!dataset) throw new CliError('The dataset is gone.');
  const { ok, checked, totals } = preflight;
  const rules = totals.map(
    ({ rule, count }) => `${rule} ${count === 1 ? 'once' : `${formatNumber(count)} times`}`,
  );
  if (!ok) throw new CliError(`The provider would refuse the file: ${rules.slice(0, NAMED).join(', ')}.`);
  screen.done(`${counted(checked, 'line')} fit for ${PROVIDER}${some(rules, ', with something to know:')}`);
  screen.done(costOf(dataset));
  screen.note(
    groups === 0
      ? `near-duplicates: none among ${formatNumber(compared)}`
      : `near-duplicates: ${counted(groups, 'group')} of ${formatNumber(examples)} among ${formatNumber(compared)}; keepBestOfDuplicates keeps the best of each`,
  );
  screen.note(findingsOf(dataset));
}

function costOf({ tokens, costEstimate: estimate }: Dataset): string {
  const { trainedTokens, costUsd, priceAsOf } = succeeded(estimate);
  const file = tokens == null ? '' : `${counted(tokens, 'token')} in the file, `;
  return `${file}${formatNumber(trainedTokens.expected)} to train over ${EPOCHS} epochs: ${formatUsd(costUsd.expected)} at the list price of ${priceAsOf}`;
}

function findingsOf({ personalData }: Dataset): string {
  const { scanned, unscanned, examplesWithFindings, byKind } = personalData;
  const kinds = byKind
    .toSorted((a, b) => b.examples - a.examples)
    .map(({ kind, examples }) => `${kind} ${formatNumber(examples)}`);
  const pending = unscanned === 0 ? '' : ` (${formatNumber(unscanned)} are still being searched)`;
  return `personal data: in ${formatNumber(examplesWithFindings)} of ${counted(scanned, 'example')} searched${some(kinds, ':')}${pending}; the dataset’s policy can redact it, or block the export`;
}

function some(named: readonly string[], lead: string): string {
  if (named.length === 0) return '';
  const more = named.length > NAMED ? ' …' : '';
  return `${lead} ${named.slice(0, NAMED).join(', ')}${more}`;
}
