/**
 * Who trains. One file a provider implements this port; nothing outside of this folder knows a provider's own API.
 * Every function throws ProviderError when the provider refuses or cannot be reached, and nothing else on purpose.
 */
import type { Readable } from 'node:stream';

/** What a job is doing, in our words; `raw` keeps the provider's. */
export type JobStatus =
  | 'VALIDATING_FILES'
  | 'QUEUED'
  | 'RUNNING'
  | 'PAUSED'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELLED'
  /** A state that this version does not know. It changes nothing. */
  | 'UNKNOWN';

export interface ProviderJob {
  id: string;
  status: JobStatus;
  rawStatus: string;
  createdAt: Date;
  finishedAt: Date | null;
  estimatedFinishAt: Date | null;
  /** The tuned model's name, once there is one. */
  model: string | null;
  /** Over all epochs, as the provider counted them; null until it says. */
  trainedTokens: number | null;
  error: { code: string; message: string } | null;
  /** What the provider made of values that were left to it. */
  hyperparameters: {
    nEpochs: number | null;
    batchSize: number | null;
    learningRateMultiplier: number | null;
  };
  /** The training run's id, as `createJob` sent it along. */
  runId: string | null;
}

export interface JobEvent {
  id: string;
  createdAt: Date;
  level: 'INFO' | 'WARN' | 'ERROR';
  message: string;
  kind: 'MESSAGE' | 'METRICS';
  /** For METRICS: what was measured at a training step. */
  metrics: JobMetrics | null;
}

/** All optional: providers report what they have. Losses are mean negative log-likelihoods a token, accuracies 0..1. */
export interface JobMetrics {
  step: number | null;
  totalSteps: number | null;
  trainLoss: number | null;
  trainAccuracy: number | null;
  validLoss: number | null;
  validAccuracy: number | null;
}

export interface JobCheckpoint {
  id: string;
  createdAt: Date;
  model: string;
  step: number;
  metrics: JobMetrics;
}

export interface ProviderFile {
  id: string;
  name: string;
  bytes: number;
}

/** How a model learns: from answers, or from pairs of answers of which one is preferred. */
export type TrainingMethod =
  | { type: 'SUPERVISED' }
  /** `beta`: how strongly the model is held to what it was, more than 0 and up to 2; null leaves it to the provider. */
  | { type: 'DPO'; beta: number | null };

export interface NewJob {
  baseModel: string;
  trainingFileId: string;
  /** What the model is measured on while it learns; null for nothing. */
  validationFileId: string | null;
  method: TrainingMethod;
  /** Sent along as metadata, so that the job can be found again when its answer is lost. */
  runId: string;
  suffix: string | null;
  seed: number | null;
  /** null leaves the value to the provider. */
  hyperparameters: {
    nEpochs: number | null;
    batchSize: number | null;
    learningRateMultiplier: number | null;
  };
}

export interface ChatTurn {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface ChatAnswer {
  content: string;
  model: string;
  promptTokens: number | null;
  completionTokens: number | null;
}

/** A webhook as it came over HTTP. */
export interface WebhookRequest {
  /** The bytes as they came, as text: they are what is signed. */
  body: string;
  /** By names in lower case. */
  headers: Record<string, string | string[] | undefined>;
}

/**
 * The id of the job that a webhook tells of; null when it tells of something else. Throws InvalidSignatureError, and
 * InvalidInputError for what is signed and cannot be read.
 */
export type ReadWebhook = (request: WebhookRequest) => Promise<string | null>;

export interface Provider {
  /** The name under which runs and base models know it. */
  readonly name: string;
  /** What a person should know about it, in a sentence. */
  readonly description: string;

  /** `open` is called once for each attempt and gives the file's bytes from the start. */
  uploadFile(file: {
    name: string;
    bytes: number;
    open: () => Readable;
    signal: AbortSignal;
  }): Promise<ProviderFile>;
  /** Files of this name that the provider holds, newest first. */
  findFiles(name: string, signal: AbortSignal): Promise<ProviderFile[]>;
  /** A file that is not there is no error. */
  deleteFile(id: string, signal: AbortSignal): Promise<void>;

  /** Sent exactly once, never repeated by itself: a repetition would buy a second job. */
  createJob(job: NewJob, signal: AbortSignal): Promise<ProviderJob>;
  /** The jobs that were created for a training run, newest first. */
  findJobs(runId: string, signal: AbortSignal): Promise<ProviderJob[]>;
  /** One page, newest first; `after` is the last job of the page before. */
  listJobs(
    page: { after: string | null; limit: number },
    signal: AbortSignal,
  ): Promise<{ jobs: ProviderJob[]; hasMore: boolean }>;
  getJob(id: string, signal: AbortSignal): Promise<ProviderJob>;
  cancelJob(id: string, signal: AbortSignal): Promise<ProviderJob>;
  /** The events after `after` (exclusive; null: all), oldest first. */
  listEvents(jobId: string, after: string | null, signal: AbortSignal): Promise<JobEvent[]>;
  listCheckpoints(jobId: string, signal: AbortSignal): Promise<JobCheckpoint[]>;

  /** Left out where the provider sends none, or what they are signed with is not known. */
  readonly readWebhook?: ReadWebhook;

  chat(
    request: { model: string; messages: ChatTurn[]; maxTokens: number | null; temperature: number | null },
    signal: AbortSignal,
  ): Promise<ChatAnswer>;
}

/** The providers that this server can launch on, by name. */
export interface Providers {
  /** The one that is used when a launch names none. */
  default: Provider;
  get(name: string): Provider | undefined;
  names(): string[];
}
