import type { RunNewsReader } from '../services/runNews.ts';
import type { Job } from './scheduler.ts';

/** Asks for the events of running jobs, where they are too many for the poll to do so. */
export function readRunNews(reader: RunNewsReader, pattern: string): Job {
  return {
    name: 'readRunNews',
    pattern,
    timeoutMs: 60_000,
    run: (signal) => reader.readNews(signal),
  };
}
