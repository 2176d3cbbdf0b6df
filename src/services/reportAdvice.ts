/** What to do next with a dataset. Pure: the same facts give the same advice. */

export type NextCode =
  | 'COLLECT_EXAMPLES'
  | 'FIND_DUPLICATES'
  | 'KEEP_BEST_OF_DUPLICATES'
  | 'REVIEW_EXAMPLES'
  | 'SET_PERSONAL_DATA_POLICY'
  | 'EXPORT_DATASET'
  | 'LAUNCH_TRAINING_RUN';

export interface NextStep {
  code: NextCode;
  message: string;
}

export interface Facts {
  total: number;
  validated: number;
  undecided: number;
  /** When near-duplicates were last looked for; null when never. */
  duplicatesFoundAt: Date | null;
  /** Examples that were added or edited after that. */
  changedSinceSearch: number;
  /** Groups of which more than one example is left. */
  openGroups: number;
  personalDataPolicy: 'BLOCK' | 'REDACT' | 'ALLOW';
  examplesWithFindings: number;
  /** The newest export: whether the dataset has changed since, and whether a run was launched on it. */
  latestExport: { changed: boolean; launched: boolean } | null;
}

/** The fewest examples that the providers train on. */
const FEWEST = 10;

const examples = (count: number) => (count === 1 ? '1 example' : `${count.toLocaleString('en-US')} examples`);
const those = (count: number, singular: string, plural: string) =>
  `${examples(count)} ${count === 1 ? singular : plural}`;

/** The steps that make sense now, the first one first. Empty when the newest export is trained and nothing has changed. */
export function nextSteps(facts: Facts): NextStep[] {
  if (facts.total === 0)
    return [{ code: 'COLLECT_EXAMPLES', message: 'The dataset is empty: collect examples from your calls.' }];
  const steps: NextStep[] = [];
  const usable = facts.validated + facts.undecided;
  const { duplicatesFoundAt, changedSinceSearch, openGroups } = facts;
  if (usable > 1 && duplicatesFoundAt === null)
    steps.push({ code: 'FIND_DUPLICATES', message: 'Nobody has looked for near-duplicates yet: find them.' });
  else if (duplicatesFoundAt !== null && changedSinceSearch > 0) {
    const what = those(changedSinceSearch, 'was added or edited', 'were added or edited');
    steps.push({
      code: 'FIND_DUPLICATES',
      message: `${what} after the search for near-duplicates: look again.`,
    });
  }
  if (openGroups > 0) {
    const groups = openGroups === 1 ? '1 group holds' : `${openGroups.toLocaleString('en-US')} groups hold`;
    steps.push({
      code: 'KEEP_BEST_OF_DUPLICATES',
      message: `${groups} near-duplicates: keep the best of each.`,
    });
  }
  if (facts.undecided > 0)
    steps.push({
      code: 'REVIEW_EXAMPLES',
      message: `${those(facts.undecided, 'is', 'are')} neither validated nor rejected: review them.`,
    });
  if (usable < FEWEST)
    steps.push({
      code: 'COLLECT_EXAMPLES',
      message: `The providers train on ${FEWEST} examples or more, and ${those(usable, 'is', 'are')} not rejected: collect more.`,
    });
  if (facts.examplesWithFindings > 0 && facts.personalDataPolicy === 'ALLOW')
    steps.push({
      code: 'SET_PERSONAL_DATA_POLICY',
      message: `${those(facts.examplesWithFindings, 'holds', 'hold')} personal data, which an export would contain: have it redacted, or block such exports.`,
    });
  return facts.validated < FEWEST ? steps : [...steps, ...lastSteps(facts)];
}

function lastSteps({ validated, latestExport }: Facts): NextStep[] {
  if (latestExport === null)
    return [{ code: 'EXPORT_DATASET', message: `${those(validated, 'is', 'are')} validated: export them.` }];
  if (latestExport.changed)
    return [
      {
        code: 'EXPORT_DATASET',
        message: 'The dataset has changed since its newest export: export it again.',
      },
    ];
  if (latestExport.launched) return [];
  return [
    { code: 'LAUNCH_TRAINING_RUN', message: 'The newest export has not been trained on yet: launch a run.' },
  ];
}
