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
export function operationFor(code: NextCode, ids: OperationIds): string {
  const dataset = JSON.stringify(encodeGlobalID('Dataset', ids.datasetId));
  const exported = JSON.stringify(encodeGlobalID('Export', ids.exportId ?? ''));
  const baseModel = JSON.stringify(ids.baseModel ?? '');
  const mutation = (call: string, wanted: string) =>
    `mutation { ${call} { ${wanted} ... on Error { code message } } }`;
  switch (code) {
    case 'COLLECT_EXAMPLES':
      return mutation(
        `collectExamples(input: { datasetId: ${dataset} })`,
        '... on CollectExamplesPayload { added considered }',
      );
    case 'FIND_DUPLICATES':
      return mutation(
        `findDuplicates(input: { datasetId: ${dataset} })`,
        '... on FindDuplicatesPayload { compared groups examples }',
      );
    case 'KEEP_BEST_OF_DUPLICATES':
      return mutation(
        `keepBestOfDuplicates(input: { datasetId: ${dataset} })`,
        '... on KeepBestOfDuplicatesPayload { groups rejected }',
      );
    case 'REVIEW_EXAMPLES':
      return `query { examples(datasetId: ${dataset}, filter: { validated: false, rejected: false }) { edges { node { id userMessage assistantResponse } } } }`;
    case 'SET_PERSONAL_DATA_POLICY':
      return mutation(
        `updateDataset(input: { id: ${dataset}, personalDataPolicy: REDACT })`,
        '... on Dataset { id }',
      );
    case 'EXPORT_DATASET':
      return mutation(
        `exportDataset(input: { datasetId: ${dataset} })`,
        '... on Export { id exampleCount downloadUrl }',
      );
    case 'LAUNCH_TRAINING_RUN':
      return mutation(
        `launchTrainingRun(input: { exportId: ${exported}, baseModel: ${baseModel} })`,
        '... on TrainingRun { id status }',
      );
  }
}
