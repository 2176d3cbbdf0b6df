/** The catalogue of base models as the package brings it along: facts with a date and a source, no constants in code. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Tx } from '../db/tenancy.ts';
import { packageRoot } from '../paths.ts';

const CATALOGUE = new URL('prisma/base-models.json', packageRoot);

/** In USD, as text: `0.80` has no exact binary number. Up to 6 decimal places, as the database keeps them. */
const usd = z
  .string()
  .regex(/^\d{1,6}(\.\d{1,6})?$/, 'must be an amount such as 0.80, with at most 6 decimal places');
const name = z.string().min(1);

const catalogueSchema = z.array(
  z.strictObject({
    provider: name,
    name,
    maxExampleTokens: z.int().positive(),
    minExamples: z.int().nonnegative(),
    maxFileBytes: z.int().positive(),
    /** Midnight UTC at the beginning of the day that is announced: a launch too early refused, none too late tried. */
    trainingEndsAt: z.iso.datetime().nullable(),
    shutdownAt: z.iso.datetime().nullable(),
    source: z.string().min(1),
    asOf: z.iso.date(),
    prices: z
      .array(
        z.strictObject({
          validFrom: z.iso.date(),
          trainingUsdPerMTokens: usd,
          inputUsdPerMTokens: usd.nullable(),
          cachedInputUsdPerMTokens: usd.nullable(),
          outputUsdPerMTokens: usd.nullable(),
          source: z.string().min(1),
          asOf: z.iso.date(),
        }),
      )
      .refine((prices) => allDifferent(prices.map(({ validFrom }) => validFrom)), 'name a validFrom twice'),
  }),
);

export type Catalogue = z.output<typeof catalogueSchema>;

/** Reads prisma/base-models.json. Throws when it is not as it should be, with every fault. */
export async function readCatalogue(): Promise<Catalogue> {
  return parseCatalogue(JSON.parse(await readFile(CATALOGUE, 'utf8')));
}

/** Checks a catalogue. Throws an Error that names every fault. */
export function parseCatalogue(value: unknown): Catalogue {
  const result = catalogueSchema
    .refine(
      (models) => allDifferent(models.map((model) => `${model.provider} ${model.name}`)),
      'names a model twice',
    )
    .safeParse(value);
  if (result.success) return result.data;
  throw new Error(`The catalogue of base models is not valid:\n${z.prettifyError(result.error)}`);
}

function allDifferent(keys: string[]): boolean {
  return new Set(keys).size === keys.length;
}

/**
 * Writes the catalogue into the tables and leaves what else is there. Two statements, whatever its size. Replicas may
 * do it at once: all of them lock the rows in the same order, and one with an older catalogue (a rolling update) does
 * not overwrite newer facts. What has not changed is not written.
 */
export async function writeCatalogue(tx: Tx, catalogue: Catalogue): Promise<void> {
  const models = JSON.stringify(catalogue);
  await tx.$executeRaw`
    INSERT INTO base_models AS known
      (provider, name, max_example_tokens, min_examples, max_file_bytes, training_ends_at, shutdown_at, source, as_of)
    SELECT provider, name, "maxExampleTokens", "minExamples", "maxFileBytes", "trainingEndsAt", "shutdownAt", source, "asOf"
    FROM jsonb_to_recordset(${models}::jsonb) AS model (
      provider text, name text, "maxExampleTokens" integer, "minExamples" integer, "maxFileBytes" bigint,
      "trainingEndsAt" timestamptz, "shutdownAt" timestamptz, source text, "asOf" date)
    ORDER BY provider, name
    ON CONFLICT (provider, name) DO UPDATE SET
      max_example_tokens = excluded.max_example_tokens, min_examples = excluded.min_examples,
      max_file_bytes = excluded.max_file_bytes, training_ends_at = excluded.training_ends_at,
      shutdown_at = excluded.shutdown_at, source = excluded.source, as_of = excluded.as_of
    WHERE known.as_of <= excluded.as_of AND
      (known.max_example_tokens, known.min_examples, known.max_file_bytes, known.training_ends_at, known.shutdown_at,
       known.source, known.as_of) IS DISTINCT FROM
      (excluded.max_example_tokens, excluded.min_examples, excluded.max_file_bytes, excluded.training_ends_at,
       excluded.shutdown_at, excluded.source, excluded.as_of)`;

  const prices = JSON.stringify(
    catalogue.flatMap((model) =>
      model.prices.map((price) => ({ provider: model.provider, name: model.name, ...price })),
    ),
  );
  await tx.$executeRaw`
    INSERT INTO base_model_prices AS known
      (base_model_id, valid_from, training_usd_per_m_tokens, input_usd_per_m_tokens, cached_input_usd_per_m_tokens,
       output_usd_per_m_tokens, source, as_of)
    SELECT base_models.id, "validFrom", "trainingUsdPerMTokens", "inputUsdPerMTokens", "cachedInputUsdPerMTokens",
      "outputUsdPerMTokens", price.source, "asOf"
    FROM jsonb_to_recordset(${prices}::jsonb) AS price (
      provider text, name text, "validFrom" date, "trainingUsdPerMTokens" numeric, "inputUsdPerMTokens" numeric,
      "cachedInputUsdPerMTokens" numeric, "outputUsdPerMTokens" numeric, source text, "asOf" date)
    JOIN base_models USING (provider, name)
    ORDER BY provider, name, "validFrom"
    ON CONFLICT (base_model_id, valid_from) DO UPDATE SET
      training_usd_per_m_tokens = excluded.training_usd_per_m_tokens,
      input_usd_per_m_tokens = excluded.input_usd_per_m_tokens,
      cached_input_usd_per_m_tokens = excluded.cached_input_usd_per_m_tokens,
      output_usd_per_m_tokens = excluded.output_usd_per_m_tokens, source = excluded.source, as_of = excluded.as_of
    WHERE known.as_of <= excluded.as_of AND
      (known.training_usd_per_m_tokens, known.input_usd_per_m_tokens, known.cached_input_usd_per_m_tokens,
       known.output_usd_per_m_tokens, known.source, known.as_of) IS DISTINCT FROM
      (excluded.training_usd_per_m_tokens, excluded.input_usd_per_m_tokens, excluded.cached_input_usd_per_m_tokens,
       excluded.output_usd_per_m_tokens, excluded.source, excluded.as_of)`;
}
