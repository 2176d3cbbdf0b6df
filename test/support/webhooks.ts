/** What tests of webhooks share: a run that a provider has a job of, and signed messages about it over real HTTP. */
import { createHmac, randomUUID } from 'node:crypto';
import OpenAI from 'openai';
import { vi } from 'vitest';
import { createOpenAiWebhookReader } from '../../src/services/providers/openaiWebhook.ts';
import { send } from './rawHttp.ts';
import { launch, newDataset, readRun } from './runs.ts';
import type { TestServer, TestServerOptions } from './server.ts';
import type { StandIn } from './standIn.ts';

const KEY = Buffer.from('a key of twenty-four byte');
export const SECRET = `whsec_${KEY.toString('base64')}`;
export const readWebhook = createOpenAiWebhookReader(
  new OpenAI({ apiKey: 'none', webhookSecret: null, logLevel: 'off' }),
  SECRET,
);
const MODEL = 'gpt-4.1-mini-2025-04-14';
/** OpenAI takes no new jobs from 6 January 2027 on. */
const BEFORE_THE_END = new Date('2026-12-01T00:00:00Z');
/** The pattern never matches within a test: only a webhook makes the poller look. */
export const ONLY_WEBHOOKS: TestServerOptions = {
  pollPattern: '0 0 0 1 1 *',
  clock: { now: () => BEFORE_THE_END },
};

export interface Told {
  jobId: string;
  /** What the run's status is now. */
  status: () => Promise<string>;
  /** How often the provider was asked about the job. */
  looks: () => number;
  event: (type?: string, data?: unknown) => string;
}

/** A run on the server of which the provider has a job. */
export async function runWithJob(server: TestServer, provider: StandIn): Promise<Told> {
  const client = await server.asNewTenant();
  const datasetId = await newDataset(client, 12);
  const { id } = await launch(client, { datasetId, provider: 'openai', baseModel: MODEL });
  const status = async () => (await readRun(client, id)).status;
  await vi.waitUntil(async () => (await status()) === 'QUEUED', { timeout: 10_000 });
  const jobId = provider.jobs[0]?.id ?? '';
  return {
    jobId,
    status,
    looks: () => provider.calls.get('getJob') ?? 0,
    event: (type = 'fine_tuning.job.succeeded', data: unknown = { id: jobId }) =>
      JSON.stringify({
        id: `evt_${randomUUID()}`,
        object: 'event',
        created_at: 1_795_000_000,
        type,
        data,
      }),
  };
}

export interface Signing {
  key?: Buffer;
  /** Seconds since 1970. */
  at?: number;
  headers?: Record<string, string>;
}

export function signature(body: string, webhookId: string, at: number, key: Buffer = KEY): string {
  return `v1,${createHmac('sha256', key).update(`${webhookId}.${at}.${body}`).digest('base64')}`;
}

export async function postWebhook(
  url: string,
  body: string,
  { key = KEY, at = now(), headers = {} }: Signing = {},
) {
  const webhookId = `wh_${randomUUID()}`;
  const answer = await send(`${url}/webhooks/openai`, {
    method: 'POST',
    headers: {
      host: 'localhost',
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'webhook-id': webhookId,
      'webhook-timestamp': String(at),
      'webhook-signature': signature(body, webhookId, at, key),
      ...headers,
    },
    body,
  });
  return { status: answer.status, body: JSON.parse(answer.body) as { error?: { code: string } } };
}

export const now = () => Math.floor(Date.now() / 1000);
export const RECEIVED = { status: 200, body: { status: 'received' } };
export const refused = (code: string, http = 401) => ({ status: http, body: { error: { code } } });
