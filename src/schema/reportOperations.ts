/** The operations that a report advises, as texts to be sent as they stand. */
import { encodeGlobalID } from '@pothos/plugin-relay';
import type { NextCode } from '../services/reportAdvice.ts';

export interface OperationIds {
  datasetId: string;
  /** The newest export; null before the first, and then of no use. */
  exportId: string | null;
  /** A base model that the default provider trains today; null when there is none. */
  baseModel: string | null;
}

/** The operation for a step, with the ids filled in. */
export function operationFor(code: NextCode, { datasetId, exportId, baseModel }: OperationIds): string {
  const dataset = JSON.stringify(encodeGlobalID('Dataset', datasetId));
  const exported = JSON.stringify(encodeGlobalID('Export', exportId ?? ''));
  const operations: Record<NextCode, string> = {
    COLLECT_EXAMPLES: mutation(
      `collectExamples(input: { datasetId: ${dataset} })`,
      '... on CollectExamplesPayload { added considered }',
    ),
    FIND_DUPLICATES: mutation(
      `findDuplicates(input: { datasetId: ${dataset} })`,
      '... on FindDuplicatesPayload { compared groups examples }',
    ),
    KEEP_BEST_OF_DUPLICATES: mutation(
      `keepBestOfDuplicates(input: { datasetId: ${dataset} })`,
      '... on KeepBestOfDuplicatesPayload { groups rejected }',
    ),
    REVIEW_EXAMPLES: mutation(
      `takeExampleToReview(input: { datasetId: ${dataset} })`,
      '... on TakeExamplePayload { example { id userMessage assistantResponse } heldByOthers }',
    ),
    SET_PERSONAL_DATA_POLICY: mutation(
      `updateDataset(input: { id: ${dataset}, personalDataPolicy: REDACT })`,
      '... on Dataset { id }',
    ),
    EXPORT_DATASET: mutation(
      `exportDataset(input: { datasetId: ${dataset} })`,
      '... on Export { id exampleCount downloadUrl }',
    ),
    LAUNCH_TRAINING_RUN: mutation(
      `launchTrainingRun(input: { exportId: ${exported}, baseModel: ${JSON.stringify(baseModel ?? '')} })`,
      '... on TrainingRun { id status }',
    ),
  };
  return operations[code];
}

function mutation(call: string, wanted: string): string {
  return `mutation { ${call} { ${wanted} ... on Error { code message } } }`;
}
