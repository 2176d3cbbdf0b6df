/** Opens the providers that the configuration names, and the sandbox where it names none. */
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import type { Config } from './config.ts';
import type { Logger } from './log.ts';
import { workerUrl } from './paths.ts';
import type { SandboxOptions } from './sandbox/server.ts';
import { createOpenAiProvider } from './services/providers/openai.ts';
import type { Provider, Providers } from './services/providers/port.ts';

export interface OpenProviders extends Providers {
  /** How often their jobs are worth asking about, as a cron pattern. */
  pollPattern: string;
  close(): Promise<void>;
}

const SANDBOX_KEY = 'sandbox';

export async function openProviders(config: Config, log: Logger): Promise<OpenProviders> {
  if (config.OPENAI_API_KEY === undefined) return openSandbox(config, log);
  const openai = createOpenAiProvider({
    name: 'openai',
    description: 'OpenAI’s fine-tuning API.',
    apiKey: config.OPENAI_API_KEY,
    baseURL: config.OPENAI_BASE_URL,
    webhookSecret: config.OPENAI_WEBHOOK_SECRET,
  });
  return { ...providersOf(openai), pollPattern: '*/10 * * * * *', close: async () => undefined };
}

/** The sandbox computes while it trains, so it has a thread of its own; it is spoken to over HTTP like the others. */
async function openSandbox(config: Config, log: Logger): Promise<OpenProviders> {
  const options: Omit<SandboxOptions, 'now' | 'faults'> = {
    dataDir: join(config.DATA_DIR, 'sandbox'),
    apiKey: SANDBOX_KEY,
    speed: config.SANDBOX_SPEED,
  };
  const worker = new Worker(workerUrl('sandboxWorker'), { workerData: options });
  const [message]: unknown[] = await once(worker, 'message');
  const { url } = z.object({ url: z.url() }).parse(message);
  worker.on('error', (error) => log.error({ err: error }, 'The sandbox ended'));
  log.warn(
    'OPENAI_API_KEY is not set: training in the sandbox, which tunes a toy model and charges nothing.',
  );
  const sandbox = createOpenAiProvider({
    name: 'sandbox',
    description: 'Stands in for a provider: tunes a toy model on this machine and charges nothing.',
    apiKey: SANDBOX_KEY,
    baseURL: url,
  });
  return {
    ...providersOf(sandbox),
    pollPattern: '* * * * * *',
    async close() {
      const exited = once(worker, 'exit');
      worker.postMessage('close');
      await exited;
    },
  };
}

/** The first is the default. */
export function providersOf(...all: [Provider, ...Provider[]]): Providers {
  return {
    default: all[0],
    get: (name) => all.find((provider) => provider.name === name),
    names: () => all.map(({ name }) => name),
  };
}
