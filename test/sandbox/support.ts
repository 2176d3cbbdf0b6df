import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI, { APIError, toFile } from 'openai';
import { onTestFinished } from 'vitest';
import { startSandbox, type SandboxOptions } from '../../src/sandbox/server.ts';

type Job = OpenAI.FineTuning.FineTuningJob;
type JobParams = OpenAI.FineTuning.JobCreateParams;

/** A sandbox of the test's own, without waits unless told otherwise, and a client that never retries. */
export async function sandboxed(options: SandboxOptions = {}) {
  const sandbox = await startSandbox({ speed: Infinity, ...options });
  onTestFinished(() => sandbox.close());
  return { sandbox, client: clientOf(sandbox.url) };
}

export function clientOf(url: string, apiKey = 'sandbox'): OpenAI {
  return new OpenAI({ apiKey, baseURL: url, maxRetries: 0 });
}

/** A directory that goes away with the test. */
export async function tempDir(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sandbox-test-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

const CITIES = ['Rome', 'Paris', 'Oslo', 'Vienna', 'Lisbon'];

/** One conversation of the training data, told apart by its number. */
export function conversation(number: number) {
  return {
    messages: [
      { role: 'system', content: 'You answer for a parcel service.' },
      { role: 'user', content: `Where is parcel number ${number}?` },
      { role: 'assistant', content: `Parcel ${number} has reached ${CITIES[number % 5]}. Anything else?` },
    ],
  };
}

/** The same as preference data: a question, the answer that is preferred, and one that is not. */
export function preference(number: number) {
  const { messages } = conversation(number);
  return {
    input: { messages: messages.slice(0, -1) },
    preferred_output: messages.slice(-1),
    non_preferred_output: [{ role: 'assistant', content: 'No idea, call again tomorrow.' }],
  };
}

export function jsonl(lines: readonly unknown[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

export function conversations(count: number): string {
  return jsonl(Array.from({ length: count }, (_, number) => conversation(number)));
}

export async function upload(client: OpenAI, content: string, name = 'calls.jsonl') {
  return await client.files.create({ file: await toFile(Buffer.from(content), name), purpose: 'fine-tune' });
}

/** Uploads data and starts a job on it. */
export async function launch(client: OpenAI, content: string, params: Partial<JobParams> = {}): Promise<Job> {
  const file = await upload(client, content);
  return await client.fineTuning.jobs.create({
    model: 'sandbox-small-2026-01-01',
    training_file: file.id,
    ...params,
  });
}

/** Asks again every few milliseconds until the answer holds something; fails after `deadline` milliseconds. */
export async function until<T>(ask: () => Promise<T | undefined>, deadline = 15_000): Promise<T> {
  const end = performance.now() + deadline;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`Nothing within ${deadline} ms.`);
    await new Promise((resolve) => {
      setTimeout(resolve, 4);
    });
  }
}

export function untilStatus(client: OpenAI, id: string, ...statuses: string[]): Promise<Job> {
  return until(async () => {
    const job = await client.fineTuning.jobs.retrieve(id);
    return statuses.includes(job.status) ? job : undefined;
  });
}

export function untilOver(client: OpenAI, id: string): Promise<Job> {
  return untilStatus(client, id, 'succeeded', 'failed', 'cancelled');
}

/** All events of a job, oldest first. */
export async function eventsOf(client: OpenAI, id: string) {
  const events = [];
  for await (const event of client.fineTuning.jobs.listEvents(id, { limit: 100 })) events.push(event);
  return events.toReversed();
}

/** The API error a call ends in. */
export async function refusal(call: PromiseLike<unknown>): Promise<APIError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof APIError) return error;
    throw error;
  }
  throw new Error('The call was not refused.');
}
