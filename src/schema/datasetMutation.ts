import {
  DatasetInUseError,
  DatasetNameTakenError,
  InvalidInputError,
  NotFoundError,
} from '../services/errors.ts';
import { builder } from './builder.ts';
import { DatasetNode } from './dataset.ts';
import { parseId } from './ids.ts';
import { PersonalDataPolicy } from './personalDataTypes.ts';

const CreateDatasetInput = builder.inputType('CreateDatasetInput', {
  description: 'A new dataset, still empty.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'What to call it, 1 to 200 characters; no two of your datasets have the same name.',
    }),
    description: t.string({ description: 'What it is for; at most 10,000 characters.' }),
    systemPrompt: t.string({
      description: 'The instruction that every exported example begins with; at most 100,000 characters.',
    }),
    minReviews: t.int({
      description:
        'How many reviewers have to judge an example before the majority decides, 1 to 10; 1 when left out.',
    }),
    personalDataPolicy: t.field({
      type: PersonalDataPolicy,
      description: 'What an export does about personal data; ALLOW unless said.',
    }),
  }),
});

const UpdateDatasetInput = builder.inputType('UpdateDatasetInput', {
  description: 'What to change about a dataset: what is left out stays, null or an empty text clears.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The id of the dataset.' }),
    name: t.string({ description: 'The new name, 1 to 200 characters.' }),
    description: t.string({ description: 'What it is for; at most 10,000 characters.' }),
    systemPrompt: t.string({
      description:
        'The instruction that every exported example begins with; at most 100,000 characters. Exports made before keep theirs.',
    }),
    minReviews: t.int({
      description:
        'How many reviewers have to judge an example before the majority decides, 1 to 10. What reviews have decided is decided anew; null keeps the number.',
    }),
    personalDataPolicy: t.field({
      type: PersonalDataPolicy,
      description: 'What exports from now on do about personal data; null leaves it.',
    }),
  }),
});

builder.mutationFields((t) => ({
  createDataset: t.field({
    type: DatasetNode,
    authScopes: { role: 'EDITOR' },
    description: 'Step 1: creates an empty dataset.',
    errors: { types: [InvalidInputError, DatasetNameTakenError] },
    args: { input: t.arg({ type: CreateDatasetInput, required: true, description: 'What to create.' }) },
    resolve: (_root, { input }, { services, viewer }) => services.datasets.create(viewer, input),
  }),
  updateDataset: t.field({
    type: DatasetNode,
    authScopes: { role: 'EDITOR' },
    description:
      'Changes what a dataset is called, what it is for, its system prompt, its policy for personal data, or how many reviews an example needs.',
    errors: { types: [InvalidInputError, NotFoundError, DatasetNameTakenError] },
    args: { input: t.arg({ type: UpdateDatasetInput, required: true, description: 'What to change.' }) },
    resolve: (_root, { input: { id, name, minReviews, ...rest } }, { services, viewer }) =>
      services.datasets.update(viewer, parseId('Dataset', id, 'input.id'), {
        name: name ?? undefined,
        minReviews: minReviews ?? undefined,
        ...rest,
      }),
  }),
  deleteDataset: t.field({
    type: DatasetNode,
    authScopes: { role: 'EDITOR' },
    description:
      'Deletes a dataset and its examples for good, as long as nothing was exported or trained from it.',
    errors: { types: [InvalidInputError, NotFoundError, DatasetInUseError] },
    args: { id: t.arg.id({ required: true, description: 'The id of the dataset.' }) },
    resolve: (_root, { id }, { services, viewer }) =>
      services.datasets.remove(viewer, parseId('Dataset', id)),
  }),
}));
