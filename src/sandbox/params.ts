import { z } from 'zod';
import { ApiError } from './http.ts';

/** A hyperparameter left to the provider, or a number within its limits. */
const auto = z.literal('auto');
const limits = {
  n_epochs: z.union([auto, z.int().min(1).max(50)]).optional(),
  batch_size: z.union([auto, z.int().min(1).max(256)]).optional(),
  learning_rate_multiplier: z.union([auto, z.number().positive()]).optional(),
};
const hyperparameters = z.strictObject(limits);
const dpoHyperparameters = z.strictObject({
  ...limits,
  beta: z.union([auto, z.number().positive().max(2)]).optional(),
});

const jobParams = z.strictObject({
  model: z.string(),
  training_file: z.string(),
  validation_file: z.string().nullish(),
  suffix: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[\w.-]+$/)
    .nullish(),
  seed: z.int().min(0).max(2_147_483_647).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  integrations: z.array(z.looseObject({ type: z.literal('wandb') })).nullish(),
  hyperparameters: hyperparameters.nullish(),
  method: z
    .discriminatedUnion('type', [
      z.strictObject({
        type: z.literal('supervised'),
        supervised: z.strictObject({ hyperparameters: hyperparameters.optional() }).optional(),
      }),
      z.strictObject({
        type: z.literal('dpo'),
        dpo: z.strictObject({ hyperparameters: dpoHyperparameters.optional() }).optional(),
      }),
    ])
    .nullish(),
});

const MAX_METADATA_KEYS = 16;

/** The parameters of a new fine-tuning job, checked; whether model and files exist is the caller's to ask. */
export type JobParams = z.infer<typeof jobParams>;

const autoOr = z.union([auto, z.number()]);
const resolvable = z.object({ n_epochs: autoOr, batch_size: autoOr, learning_rate_multiplier: autoOr });
/** Hyperparameters as asked for or resolved, as a job shows them. */
export type Hyperparameters = z.infer<typeof resolvable>;
export const hyperparametersShown = resolvable;
/** How a job trains, as it shows it. */
export const jobMethod = z.discriminatedUnion('type', [
  z.object({ type: z.literal('supervised'), supervised: z.object({ hyperparameters: resolvable }) }),
  z.object({
    type: z.literal('dpo'),
    dpo: z.object({ hyperparameters: resolvable.extend({ beta: autoOr }) }),
  }),
]);
export type JobMethod = z.infer<typeof jobMethod>;

/** Checks the body of `POST /fine_tuning/jobs`. Throws the provider's 400, with its `code` and `param`. */
export function readJobParams(body: unknown): JobParams {
  const params = readParams(jobParams, body);
  const keys = Object.keys(params.metadata ?? {}).length;
  if (keys > MAX_METADATA_KEYS) {
    throw new ApiError(
      400,
      `Invalid 'metadata': too many properties. Expected an object with at most ${MAX_METADATA_KEYS} properties, but got an object with ${keys} properties instead.`,
      { param: 'metadata', code: 'object_above_max_properties' },
    );
  }
  return params;
}

/** How to train, as asked for: under the method, or (deprecated, for supervised jobs) at the top. */
export function methodOf(params: JobParams): JobMethod {
  if (params.method?.type === 'dpo') {
    const asked = params.method.dpo?.hyperparameters;
    return { type: 'dpo', dpo: { hyperparameters: { ...completed(asked), beta: asked?.beta ?? 'auto' } } };
  }
  const asked = { ...params.hyperparameters, ...params.method?.supervised?.hyperparameters };
  return { type: 'supervised', supervised: { hyperparameters: completed(asked) } };
}

/** A method's hyperparameters, whichever it is. */
export function hyperparametersOf(method: JobMethod): Hyperparameters {
  return method.type === 'dpo' ? method.dpo.hyperparameters : method.supervised.hyperparameters;
}

function completed(asked: z.infer<typeof hyperparameters> | undefined): Hyperparameters {
  return {
    n_epochs: asked?.n_epochs ?? 'auto',
    batch_size: asked?.batch_size ?? 'auto',
    learning_rate_multiplier: asked?.learning_rate_multiplier ?? 'auto',
  };
}

/** Checks any JSON body against a schema; the first fault becomes a 400 in the provider's words. */
export function readParams<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw issue === undefined ? new ApiError(400, 'Invalid request.') : fault(issue, body);
}

/** Zod's finding as the provider's error. The codes are those its API reports for such parameters. */
function fault(issue: z.core.$ZodIssue, body: unknown): ApiError {
  const param = issue.path.join('.');
  const value = valueAt(body, issue.path);
  const refuse = (message: string, code: string, of = param) =>
    new ApiError(400, message, { param: of, code });
  const mistyped = () => {
    if (value === undefined) return missing(param);
    const expected = issue.code === 'invalid_type' ? issue.expected : 'another value';
    return refuse(
      `Invalid type for '${param}': expected ${expected}, but got ${shown(value)} instead.`,
      'invalid_type',
    );
  };

  switch (issue.code) {
    case 'unrecognized_keys': {
      const unknown = [...issue.path, issue.keys[0] ?? ''].join('.');
      return refuse(`Unknown parameter: '${unknown}'.`, 'unknown_parameter', unknown);
    }
    case 'too_small':
    case 'too_big': {
      const low = issue.code === 'too_small';
      const bound = low ? issue.minimum : issue.maximum;
      const length = typeof value === 'string' || Array.isArray(value) ? value.length : undefined;
      if (length !== undefined) {
        const thing = Array.isArray(value) ? 'array' : 'string';
        const size = low ? 'minimum' : 'maximum';
        return refuse(
          `Invalid '${param}': ${thing} too ${low ? 'short' : 'long'}. Expected ${size} length ${bound}, but got length ${length} instead.`,
          `${thing}_${low ? 'below_min' : 'above_max'}_length`,
        );
      }
      const kind = issue.code === 'too_small' && !issue.inclusive ? 'decimal' : 'integer';
      const sign = `${low ? '>' : '<'}${issue.inclusive === false ? '' : '='}`;
      return refuse(
        `Invalid '${param}': ${kind} ${low ? 'below minimum' : 'above maximum'} value. Expected a value ${sign} ${bound}, but got ${shown(value)} instead.`,
        `${kind}_${low ? 'below_min' : 'above_max'}_value`,
      );
    }
    case 'invalid_format':
      return refuse(`Invalid '${param}': string does not match the expected pattern.`, 'invalid_value');
    case 'invalid_key':
      return refuse(
        `Invalid '${issue.path[0]?.toString() ?? ''}': a property name is too long.`,
        'property_name_above_max_length',
        String(issue.path[0]),
      );
    case 'invalid_union': {
      if (issue.discriminator === undefined || value === undefined) return mistyped();
      return refuse(`Invalid value: ${shown(value)}.`, 'invalid_value');
    }
    case 'invalid_value': {
      if (value === undefined) return missing(param);
      const allowed = issue.values.map((one) => `'${String(one)}'`).join(', ');
      return refuse(`Invalid value: ${shown(value)}. Supported values are: ${allowed}.`, 'invalid_value');
    }
    default:
      return mistyped();
  }
}

/** A value as the provider's messages quote it. */
function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

function missing(param: string): ApiError {
  return new ApiError(400, `Missing required parameter: '${param}'.`, {
    param,
    code: 'missing_required_parameter',
  });
}

function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  let value = body;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, key)?.value;
  }
  return value;
}
