/** A provider whose calls are counted, timed, traced and, where they fail, logged; of a failure its code alone. */
import type { Logger } from '../log.ts';
import { ExpectedError } from '../services/errors.ts';
import type { Provider, Providers } from '../services/providers/port.ts';
import type { Metrics } from './metrics.ts';
import { inSpan, SpanKind } from './spans.ts';

export interface ProviderWatch {
  metrics: Metrics;
  log: Logger;
}

/** The same providers, watched. */
export function watchedProviders<All extends Providers>(providers: All, watch: ProviderWatch): All {
  const watched = new WeakMap<Provider, Provider>();
  function watchedOf(provider: Provider): Provider {
    const known = watched.get(provider) ?? watchedProvider(provider, watch);
    watched.set(provider, known);
    return known;
  }
  return {
    ...providers,
    default: watchedOf(providers.default),
    get(name) {
      const provider = providers.get(name);
      return provider && watchedOf(provider);
    },
  };
}

function watchedProvider(provider: Provider, { metrics, log }: ProviderWatch): Provider {
  async function called<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    let outcome = 'ok';
    try {
      return await inSpan(
        {
          name: `provider ${operation}`,
          kind: SpanKind.CLIENT,
          attributes: { 'tunesmith.provider': provider.name, 'tunesmith.operation': operation },
        },
        work,
      );
    } catch (error) {
      outcome = error instanceof ExpectedError ? error.code : 'FAULT';
      throw error;
    } finally {
      const seconds = (performance.now() - began) / 1000;
      metrics.providerAnswered({ provider: provider.name, operation, outcome, seconds });
      const told = { provider: provider.name, call: operation, outcome, ms: Math.round(seconds * 1000) };
      if (outcome === 'ok') log.debug(told, 'A provider was called');
      else log.warn(told, 'A call to a provider failed');
    }
  }

  const { readWebhook } = provider;
  return {
    name: provider.name,
    description: provider.description,
    uploadFile: (file) => called('uploadFile', () => provider.uploadFile(file)),
    findFiles: (...args) => called('findFiles', () => provider.findFiles(...args)),
    deleteFile: (...args) => called('deleteFile', () => provider.deleteFile(...args)),
    createJob: (...args) => called('createJob', () => provider.createJob(...args)),
    findJobs: (...args) => called('findJobs', () => provider.findJobs(...args)),
    listJobs: (...args) => called('listJobs', () => provider.listJobs(...args)),
    getJob: (...args) => called('getJob', () => provider.getJob(...args)),
    cancelJob: (...args) => called('cancelJob', () => provider.cancelJob(...args)),
    listEvents: (...args) => called('listEvents', () => provider.listEvents(...args)),
    listCheckpoints: (...args) => called('listCheckpoints', () => provider.listCheckpoints(...args)),
    chat: (...args) => called('chat', () => provider.chat(...args)),
    // Nothing is asked there: what came is read.
    ...(readWebhook && { readWebhook }),
  };
}
