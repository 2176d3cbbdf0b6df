/** Forgetting a caller. For admins, once callers of the API have roles: this file is the place to ask for theirs. */
import type { ErasureResult } from '../services/erasure.ts';
import { CallerNotErasedError, InvalidInputError } from '../services/errors.ts';
import { builder } from './builder.ts';
import { CallerErasureNode } from './erasure.ts';
import { TrainedModelType } from './lineage.ts';

const EraseCallerInput = builder.inputType('EraseCallerInput', {
  description: 'Whom to erase.',
  fields: (t) => ({
    phoneNumber: t.string({
      required: true,
      description: 'The caller’s number, however it is written; see `caller`, which shows what there is.',
    }),
    dryRun: t.boolean({
      description: 'True: only tells what would be erased, and changes nothing.',
    }),
  }),
});

const AllowCallerInput = builder.inputType('AllowCallerInput', {
  description: 'Whose calls to let in again.',
  fields: (t) => ({
    phoneNumber: t.string({ required: true, description: 'The number of a caller who was erased.' }),
  }),
});

const EraseCallerPayload = builder.objectRef<ErasureResult>('EraseCallerPayload').implement({
  description:
    'What a request to erase a caller did, or with `dryRun` would do. A second request finds nothing left: zeros, and what is still pending.',
  fields: (t) => ({
    erasure: t.field({
      type: CallerErasureNode,
      nullable: true,
      description: 'The erasure, which tells from now on how far it has got; null for a dry run.',
      resolve: ({ erasure }) => erasure,
    }),
    calls: t.exposeInt('calls', { description: 'How many calls were deleted.' }),
    examples: t.exposeInt('examples', {
      description:
        'How many examples made from them were deleted, with earlier wordings, reviews and findings.',
    }),
    exports: t.exposeInt('exports', {
      description: 'How many exports were marked as tainted: they can no longer be downloaded or trained on.',
    }),
    files: t.exposeInt('files', { description: 'How many of their files were deleted here.' }),
    providerFilesPending: t.exposeInt('providerFilesPending', {
      description:
        'How many training runs have files at their provider that are not known to be deleted yet. It is tried until they are.',
    }),
    runsCancelled: t.exposeInt('runsCancelled', {
      description: 'How many active training runs on those exports were told to stop.',
    }),
    models: t.field({
      type: [TrainedModelType],
      description:
        'The models that have learned from the caller’s words. Nobody can take words out of a model: delete it at the provider, and train anew.',
      resolve: ({ models }) => models,
    }),
  }),
});

builder.mutationFields((t) => ({
  eraseCaller: t.field({
    type: EraseCallerPayload,
    authScopes: { role: 'ADMIN' },
    description:
      'Erases a caller for good: their calls, the examples made from them, and the files that hold those, here and at the providers. Imports reject their calls from then on. What cannot be done at once goes on in the background; `erasure` tells how far it is.',
    errors: { types: [InvalidInputError] },
    args: { input: t.arg({ type: EraseCallerInput, required: true, description: 'Whom to erase.' }) },
    resolve: (_root, { input: { phoneNumber, dryRun } }, { services, viewer }) =>
      dryRun === true
        ? services.erasures.preview(viewer, phoneNumber)
        : services.erasures.erase(viewer, phoneNumber),
  }),
  allowCaller: t.field({
    type: CallerErasureNode,
    authScopes: { role: 'ADMIN' },
    description:
      'Lets the calls of an erased caller in again, from the next import on. What was erased stays erased.',
    errors: { types: [InvalidInputError, CallerNotErasedError] },
    args: { input: t.arg({ type: AllowCallerInput, required: true, description: 'Whose calls.' }) },
    resolve: (_root, { input: { phoneNumber } }, { services, viewer }) =>
      services.erasures.allow(viewer, phoneNumber),
  }),
}));
