import { afterEach, beforeEach, expect, vi } from 'vitest';
import { ProviderError } from '../../src/services/errors.ts';
import { createOpenAiProvider } from '../../src/services/providers/openai.ts';
import type { NewJob, Provider } from '../../src/services/providers/port.ts';
import { json, startRecordingServer, type RecordingServer } from './recordingServer.ts';

export const KEY = 'sk-test-0123456789abcdef';
export const NEVER = new AbortController().signal;

export const newJob: NewJob = {
  baseModel: 'gpt-4.1-mini-2025-04-14',
  trainingFileId: 'file-1',
  validationFileId: null,
  method: { type: 'SUPERVISED' },
  runId: 'run-1',
  suffix: null,
  seed: null,
  hyperparameters: { nEpochs: null, batchSize: null, learningRateMultiplier: null },
};

export const job = (fields: object = {}) => ({
  object: 'fine_tuning.job',
  id: 'ftjob-1',
  created_at: 1_790_000_000,
  status: 'queued',
  metadata: { tunesmith_run_id: 'run-1' },
  ...fields,
});

export const list = (data: unknown[], has_more = false) => ({ object: 'list', data, has_more });

/** A server for each test of the file, and a provider that asks it. */
export function useApi() {
  let running: RecordingServer | undefined;

  const api = {
    get server(): RecordingServer {
      if (!running) throw new Error('The server runs within tests only');
      return running;
    },
    set server(server: RecordingServer) {
      running = server;
    },
    get provider(): Provider {
      return api.connect();
    },
    connect: (options: { timeoutMs?: number } = {}) =>
      createOpenAiProvider({
        name: 'openai',
        description: 'a test',
        apiKey: KEY,
        baseURL: api.server.url,
        ...options,
      }),

    answerWith(status: number, body: unknown, headers: Record<string, string> = {}): void {
      api.server.answer = (_request, response) => json(response, status, body, headers);
    },
    /** Answers a list page by page, as the API does with `limit` and `after`. */
    answerPages(items: { id: string; [field: string]: unknown }[]): void {
      api.server.answer = ({ query }, response) => {
        const start = items.findIndex(({ id }) => id === query.get('after')) + 1;
        const page = items.slice(start, start + Number(query.get('limit') ?? 20));
        json(response, 200, list(page, start + page.length < items.length));
      };
    },
    /** What a request's body says, as JSON. */
    body: (at = 0): unknown => JSON.parse(api.server.requests[at]?.body.toString() ?? 'null'),
  };

  beforeEach(async () => {
    running = await startRecordingServer();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await running?.close();
  });
  return api;
}

/** The ProviderError that a call throws; anything else fails the test. */
export async function failure(call: Promise<unknown>): Promise<ProviderError> {
  const error: unknown = await call.then(
    () => new Error('It succeeded'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ProviderError)) throw new Error('Not a ProviderError', { cause: error });
  expect(error.message).not.toContain(KEY);
  return error;
}
