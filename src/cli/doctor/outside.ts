/** What lies outside of the machine: the store, the provider, Redis, and what their clocks say. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Config } from '../../config.ts';
import { ProviderError } from '../../services/errors.ts';
import { openExportStore } from '../../exportStore.ts';
import { ExportStoreError } from '../../services/exportStore/storeError.ts';
import { createOpenAiProvider } from '../../services/providers/openai.ts';
import { fail, LIMIT, ok, reasonOf, warn, type Finding } from './check.ts';
import { checkOwner } from './machine.ts';

/** A file goes in, is read, and goes again. */
export async function checkStore(config: Config): Promise<Finding> {
  const check = 'store';
  const { place, mend } = storeOf(config);
  const content = `tunesmith doctor ${randomUUID()}`;
  try {
    const foreign = config.S3_BUCKET === undefined && (await checkOwner(check, place));
    if (foreign) return foreign;
    const store = await openExportStore(config);
    const writer = await store.create();
    try {
      await writer.write(content);
      const { key } = await writer.finish((sha256) => `doctor-${sha256}`);
      const read = await text(store.open(key));
      await store.delete(key);
      if (read !== content)
        return fail(check, `${place} gives back something else than was put in`, 'Check what keeps it.');
    } finally {
      await writer.abort();
    }
    return ok(check, `${place} takes files, and gives them back`);
  } catch (error) {
    if (error instanceof ExportStoreError) return fail(check, error.problem, error.mend);
    return fail(check, `${place} cannot be used (${reasonOf(error)})`, mend);
  }
}

function storeOf({ S3_BUCKET, EXPORT_DIR, DATA_DIR }: Config): { place: string; mend: string } {
  if (S3_BUCKET !== undefined)
    return {
      place: `the bucket ${S3_BUCKET}`,
      mend: 'Check S3_ENDPOINT, S3_REGION and the keys, and that they may read, write, list and delete there.',
    };
  return {
    place: EXPORT_DIR ?? join(DATA_DIR, 'exports'),
    mend: 'Give the account that runs the server this directory, or name another with EXPORT_DIR.',
  };
}

export interface ProviderExam {
  finding: Finding;
  /** How far the provider's clock is ahead of this machine's, in milliseconds; null where it does not say. */
  clockAhead: number | null;
}

const OPENAI = 'https://api.openai.com/v1';

/** Lists one job, which costs nothing and wants the right that launches need. */
export async function checkProvider({ OPENAI_API_KEY, OPENAI_BASE_URL }: Config): Promise<ProviderExam> {
  const check = 'provider';
  if (OPENAI_API_KEY === undefined) {
    const found = 'the sandbox, which trains nothing real and charges nothing: OPENAI_API_KEY is not set';
    return { finding: ok(check, found), clockAhead: null };
  }
  const where = OPENAI_BASE_URL ?? OPENAI;
  const host = new URL(where).host;
  const provider = createOpenAiProvider({
    name: 'openai',
    description: '',
    apiKey: OPENAI_API_KEY,
    baseURL: where,
    timeoutMs: LIMIT,
  });
  try {
    await provider.listJobs({ after: null, limit: 1 }, AbortSignal.timeout(LIMIT));
    return { finding: ok(check, `${host} accepts the key`), clockAhead: await providerClock(where) };
  } catch (error) {
    return { finding: refusal(check, host, error), clockAhead: null };
  }
}

const MENDS: Record<string, string> = {
  PROVIDER_UNAUTHORIZED: 'Set OPENAI_API_KEY to a key that is valid.',
  PROVIDER_FORBIDDEN: 'Give the key the right to fine-tune, in its project at the provider.',
  PROVIDER_UNREACHABLE: 'Check the network, a proxy, and OPENAI_BASE_URL.',
  PROVIDER_NOT_FOUND: 'Check OPENAI_BASE_URL: it must end where /fine_tuning begins, for OpenAI with /v1.',
  PROVIDER_ANSWER_UNREADABLE: 'Check OPENAI_BASE_URL, and for a proxy in between.',
  PROVIDER_QUOTA_EXCEEDED: 'Add credit to the account at the provider.',
  PROVIDER_TRAINING_NOT_AVAILABLE:
    'This organisation may no longer launch there. Launch on another provider.',
};

/** By its code: what the provider says may repeat what it was sent. */
function refusal(check: string, host: string, error: unknown): Finding {
  const code = error instanceof ProviderError ? error.code : reasonOf(error);
  const words = code
    .replace(/^PROVIDER_/, '')
    .replaceAll('_', ' ')
    .toLowerCase();
  const passing = error instanceof ProviderError && error.retryable && code !== 'PROVIDER_UNREACHABLE';
  const mend = MENDS[code] ?? 'Try again later; the provider’s status page may tell more.';
  return (passing && MENDS[code] === undefined ? warn : fail)(check, `${host}: ${words}`, mend);
}

async function providerClock(where: string): Promise<number | null> {
  try {
    const before = Date.now();
    const response = await fetch(where, {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.timeout(LIMIT),
    });
    const date = Date.parse(response.headers.get('date') ?? '');
    // The header has whole seconds: half of one is what it is off by on average.
    return Number.isNaN(date) ? null : date + 500 - (before + Date.now()) / 2;
  } catch {
    return null;
  }
}

/** Beyond this the clocks are worth a look; a whole second is what a Date header is off by at most. */
const ASKEW_MS = 2_000;
/** Webhooks are refused from five minutes on, and links and leases end at the wrong time well before. */
const WRONG_MS = 60_000;

export function checkClock(clocks: { name: string; aheadMs: number | null }[]): Finding {
  const check = 'clock';
  const known = clocks.flatMap(({ name, aheadMs }) => (aheadMs === null ? [] : [{ name, aheadMs }]));
  const worst = known.toSorted((a, b) => Math.abs(b.aheadMs) - Math.abs(a.aheadMs))[0];
  if (worst === undefined) return ok(check, 'nothing to compare it with');
  const seconds = (Math.abs(worst.aheadMs) / 1000).toFixed(1);
  const found = `${seconds} s ${worst.aheadMs > 0 ? 'behind' : 'ahead of'} the ${worst.name}’s`;
  const mend = 'Set this machine’s clock, or that one’s, by NTP.';
  if (Math.abs(worst.aheadMs) >= WRONG_MS) return fail(check, found, mend);
  if (Math.abs(worst.aheadMs) >= ASKEW_MS) return warn(check, found, mend);
  return ok(check, `as the ${known.map(({ name }) => name).join('’s and the ')}’s`);
}

export async function checkRedis({ REDIS_URL }: Config): Promise<Finding[]> {
  if (REDIS_URL === undefined) return [];
  const check = 'Redis';
  const host = new URL(REDIS_URL).host;
  const { createClient } = await import('@redis/client');
  const client = createClient({
    url: REDIS_URL,
    socket: { connectTimeout: LIMIT, reconnectStrategy: false },
  });
  client.on('error', () => undefined); // Whoever waits for an answer is told.
  try {
    await client.connect();
    await client.ping();
    return [ok(check, `${host} answers`)];
  } catch (error) {
    const refused = error instanceof Error ? /^[A-Z]{4,20}(?= )/.exec(error.message)?.[0] : undefined;
    const mend =
      'Check REDIS_URL: host, port, user, password. Until then replicas hear of each other every 5 s.';
    return [fail(check, `${host}: ${refused ?? reasonOf(error)}`, mend)];
  } finally {
    client.destroy();
  }
}
