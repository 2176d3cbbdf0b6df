import { ApiError, ok, type Call, type Reply } from './http.ts';
import type { JobBook, JobRecord } from './jobs.ts';

/** A model as the API shows it; `created` is Unix seconds. */
export interface Model {
  id: string;
  object: 'model';
  created: number;
  owned_by: string;
}

/** Models that can be tuned here. They never age: no shutdown date. Creation is the date in the name. */
const BASE_MODELS: readonly Model[] = [
  ['sandbox-small-2026-01-01', '2026-01-01'],
  ['sandbox-large-2026-01-01', '2026-01-01'],
  ['gpt-4.1-2025-04-14', '2025-04-14'],
  ['gpt-4.1-mini-2025-04-14', '2025-04-14'],
  ['gpt-4.1-nano-2025-04-14', '2025-04-14'],
  ['gpt-4o-2024-08-06', '2024-08-06'],
  ['gpt-4o-mini-2024-07-18', '2024-07-18'],
  ['gpt-3.5-turbo-0125', '2024-01-25'],
].map(([id = '', date = '']) => ({
  id,
  object: 'model',
  created: Date.parse(date) / 1000,
  owned_by: 'system',
}));

export function baseModel(id: string): Model | undefined {
  return BASE_MODELS.find((model) => model.id === id);
}

/** Tuned models are what jobs made: nothing is stored of them but that they were deleted. */
function tunedBy(record: JobRecord): Model[] {
  const { job, checkpoints, deletedModels } = record;
  const made = checkpoints.map((one) => ({ id: one.fine_tuned_model_checkpoint, created: one.created_at }));
  if (job.fine_tuned_model !== null)
    made.push({ id: job.fine_tuned_model, created: job.finished_at ?? job.created_at });
  return made
    .filter(({ id }) => !deletedModels.includes(id))
    .map(({ id, created }) => ({ id, object: 'model', created, owned_by: job.organization_id }));
}

/** The job that made a tuned model or checkpoint, if the model exists still. */
export function makerOf(book: JobBook, id: string): JobRecord | undefined {
  return book.all().find((record) => tunedBy(record).some((model) => model.id === id));
}

/** The endpoints under `/models`. */
export interface ModelRoutes {
  list: () => Reply;
  get: (call: Call) => Reply;
  remove: (call: Call) => Promise<Reply>;
}

function unknownModel(id: string): ApiError {
  return new ApiError(404, `The model '${id}' does not exist`, { param: 'model', code: 'model_not_found' });
}

export function modelRoutes(book: JobBook): ModelRoutes {
  const all = () => [...BASE_MODELS, ...book.all().flatMap(tunedBy)];

  return {
    list: () => ok({ object: 'list', data: all() }),
    get({ id }) {
      const model = all().find((one) => one.id === id);
      if (model === undefined) throw unknownModel(id);
      return ok(model);
    },
    async remove({ id }) {
      if (baseModel(id) !== undefined) {
        throw new ApiError(403, `The model '${id}' is not yours to delete`, { param: 'model' });
      }
      const maker = makerOf(book, id);
      if (maker === undefined) throw unknownModel(id);
      const after = await book.change(maker.job.id, (record) => ({
        ...record,
        deletedModels: [...record.deletedModels, id],
      }));
      const over = after.job.status === 'succeeded' || after.job.status === 'cancelled';
      if (over && tunedBy(after).length === 0) await book.dropData(after.job.id);
      return ok({ id, object: 'model', deleted: true });
    },
  };
}
