/** OpenAI's fine-tuning API behind the port, and whatever speaks it too: the sandbox does. */
import OpenAI from 'openai';
import { z } from 'zod';
import { ProviderError } from '../errors.ts';
import {
  chatAnswer,
  checkpointAnswer,
  eventAnswer,
  fileAnswer,
  listAnswer,
  type ListAnswer,
} from './openaiAnswers.ts';
import { unreadable } from './openaiErrors.ts';
import { jobAnswer, RUN_ID_KEY } from './openaiJob.ts';
import { createRequest } from './openaiRequest.ts';
import { openUpload } from './openaiUpload.ts';
import { createOpenAiWebhookReader } from './openaiWebhook.ts';
import type { NewJob, Provider, TrainingMethod } from './port.ts';

export interface OpenAiProviderOptions {
  name: 'openai' | 'sandbox';
  description: string;
  apiKey: string;
  /** OpenAI's own, unless it is given. */
  baseURL?: string | undefined;
  /**
   * How long a request may take until its answer is read, in milliseconds; 30,000 by default. An upload has ten minutes
   * and a chat two: there the caller's signal is the limit to set.
   */
  timeoutMs?: number | undefined;
  /** What its webhooks are signed with; without it none are taken. */
  webhookSecret?: string | undefined;
}

const DEFAULT_BASE_URL = 'https://api.openai.com/v1';
const DEFAULT_TIMEOUT_MS = 30_000;
/** 512 MB over a line of 8 Mbit/s take nine minutes. */
const UPLOAD_TIMEOUT_MS = 600_000;
/** A long answer is written at some 50 tokens a second, and only the whole of it is sent. */
const CHAT_TIMEOUT_MS = 120_000;
/** The most that the API gives of jobs, events and checkpoints at once. */
const PAGE = 100;
const FILES_PAGE = 1_000;
const PURPOSE = 'fine-tune';

/** Made once: making one costs more than a page takes to read. */
const fileList = listAnswer(fileAnswer);
const jobList = listAnswer(jobAnswer);
const eventList = listAnswer(eventAnswer);
const checkpointList = listAnswer(checkpointAnswer);

/**
 * Nothing is ever sent twice: the worker repeats, at a time that stands in the database. The SDK by itself would send
 * a launch three times when the connection breaks, and OpenAI would start three jobs.
 */
export function createOpenAiProvider(options: OpenAiProviderOptions): Provider {
  const { name, description, apiKey, baseURL = DEFAULT_BASE_URL, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const { webhookSecret } = options;
  const client = new OpenAI({
    apiKey,
    baseURL,
    timeout: timeoutMs,
    maxRetries: 0,
    logLevel: 'off',
    // A redirect that keeps the method would send a launch again, perhaps elsewhere.
    fetchOptions: { redirect: 'manual' },
    // Else the SDK reads these from the environment, for the sandbox too.
    organization: null,
    project: null,
    adminAPIKey: null,
    webhookSecret: null,
  });
  const keyHint = name === 'openai' ? 'Check OPENAI_API_KEY.' : `Check the key that ${name} was set up with.`;
  const context = { provider: name, apiKey, keyHint };
  const request = createRequest(context);
  const within = (signal: AbortSignal) => ({ signal, timeoutMs });

  /**
   * One page of a list. The SDK's own pages take any answer, such as a proxy's page of HTML, for an empty list, and
   * "no such job" makes a launch go ahead.
   */
  function page<Item>(path: string, query: object, answer: ListAnswer<Item>, signal: AbortSignal) {
    return request(answer, within(signal), (sent) => client.get(path, { query, ...sent }));
  }

  /** The items of a list, newest first as the API gives them, down to the one with the id `until` (exclusive). */
  async function list<Item extends { id: string }>(
    path: string,
    query: { limit: number },
    answer: ListAnswer<Item>,
    signal: AbortSignal,
    until: string | null = null,
  ): Promise<Item[]> {
    const found = new Map<string, Item>();
    let after: string | undefined;
    for (;;) {
      const { data, has_more } = await page(
        path,
        { ...query, ...(after !== undefined && { after }) },
        answer,
        signal,
      );
      const known = found.size;
      for (const one of data) {
        if (one.id === until) return [...found.values()];
        found.set(one.id, one);
      }
      after = data.at(-1)?.id;
      const more = has_more ?? data.length >= query.limit;
      if (!more) return [...found.values()];
      if (found.size > known) continue;
      // The same page again. Where the server said that there is more, what is missing may be the job that is sought.
      if (has_more) throw unreadable(context, 'a list whose next page brings nothing new');
      return [...found.values()];
    }
  }

  return {
    name,
    description,

    async uploadFile(file) {
      const upload = openUpload(file);
      try {
        const made = await request(
          fileAnswer,
          { signal: file.signal, timeoutMs: UPLOAD_TIMEOUT_MS },
          (sent) => client.post('/files', { ...sent, ...upload.request }),
        );
        return { id: made.id, name: made.name, bytes: made.bytes };
      } catch (error) {
        throw upload.fault() ?? error;
      } finally {
        upload.close();
      }
    },

    async findFiles(wanted, signal) {
      const query = { purpose: PURPOSE, order: 'desc', limit: FILES_PAGE };
      const files = await list('/files', query, fileList, signal);
      return files
        .filter((file) => file.name === wanted && (file.purpose ?? PURPOSE) === PURPOSE)
        .toSorted((a, b) => Number(b.createdAt) - Number(a.createdAt))
        .map(({ id, name: filename, bytes }) => ({ id, name: filename, bytes }));
    },

    async deleteFile(id, signal) {
      try {
        await request(z.unknown(), within(signal), (sent) => client.files.delete(id, sent));
      } catch (error) {
        if (!(error instanceof ProviderError && error.code === 'PROVIDER_NOT_FOUND')) throw error;
      }
    },

    createJob: (job, signal) =>
      request(jobAnswer, within(signal), (sent) => client.fineTuning.jobs.create(paramsOf(job), sent)),

    async findJobs(runId, signal) {
      const query = { limit: PAGE, metadata: { [RUN_ID_KEY]: runId } };
      const jobs = await list('/fine_tuning/jobs', query, jobList, signal);
      // Who does not know the filter lists everything, and another run's job must never be taken for this one's.
      return jobs
        .filter((job) => job.runId === runId)
        .toSorted((a, b) => Number(b.createdAt) - Number(a.createdAt));
    },

    async listJobs({ after, limit }, signal) {
      const query = { limit, ...(after !== null && { after }) };
      const { data, has_more } = await page('/fine_tuning/jobs', query, jobList, signal);
      return { jobs: data, hasMore: has_more ?? data.length >= limit };
    },

    getJob: (id, signal) =>
      request(jobAnswer, within(signal), (sent) => client.fineTuning.jobs.retrieve(id, sent)),

    cancelJob: (id, signal) =>
      request(jobAnswer, within(signal), (sent) => client.fineTuning.jobs.cancel(id, sent)),

    async listEvents(jobId, after, signal) {
      const events = await list(`${jobPath(jobId)}/events`, { limit: PAGE }, eventList, signal, after);
      return events.toReversed();
    },

    async listCheckpoints(jobId, signal) {
      const checkpoints = await list(
        `${jobPath(jobId)}/checkpoints`,
        { limit: PAGE },
        checkpointList,
        signal,
      );
      return checkpoints.toSorted((a, b) => a.step - b.step);
    },

    ...(webhookSecret !== undefined && { readWebhook: createOpenAiWebhookReader(client, webhookSecret) }),

    chat: ({ model, messages, maxTokens, temperature }, signal) =>
      request(chatAnswer, { signal, timeoutMs: CHAT_TIMEOUT_MS }, (sent) =>
        client.chat.completions.create(
          {
            model,
            messages,
            ...(maxTokens !== null && { max_completion_tokens: maxTokens }),
            ...(temperature !== null && { temperature }),
          },
          sent,
        ),
      ),
  };
}

function jobPath(id: string): string {
  return `/fine_tuning/jobs/${encodeURIComponent(id)}`;
}

/** What is left to the provider is left out, which means 'auto'. */
function paramsOf(job: NewJob): OpenAI.FineTuning.JobCreateParams {
  const { nEpochs, batchSize, learningRateMultiplier } = job.hyperparameters;
  const hyperparameters = {
    ...(nEpochs !== null && { n_epochs: nEpochs }),
    ...(batchSize !== null && { batch_size: batchSize }),
    ...(learningRateMultiplier !== null && { learning_rate_multiplier: learningRateMultiplier }),
  };
  return {
    model: job.baseModel,
    training_file: job.trainingFileId,
    ...(job.validationFileId !== null && { validation_file: job.validationFileId }),
    method: methodOf(job.method, hyperparameters),
    metadata: { [RUN_ID_KEY]: job.runId },
    ...(job.suffix !== null && { suffix: job.suffix }),
    ...(job.seed !== null && { seed: job.seed }),
  };
}

function methodOf(
  method: TrainingMethod,
  hyperparameters: { n_epochs?: number; batch_size?: number; learning_rate_multiplier?: number },
): OpenAI.FineTuning.JobCreateParams.Method {
  if (method.type === 'SUPERVISED') return { type: 'supervised', supervised: { hyperparameters } };
  const { beta } = method;
  return { type: 'dpo', dpo: { hyperparameters: { ...hyperparameters, ...(beta !== null && { beta }) } } };
}
