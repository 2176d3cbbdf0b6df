/**
 * A provider far away: each answer takes a while. It has so many jobs, all of them running but for one of a hundred, and
 * which those are can be told (`PUT /paused`, a remainder). Forked by poll.ts with the number of jobs, the milliseconds
 * an answer takes, and when the first job was made.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

export const PAUSED_OF = 100;
/** The newest is the last. */
export const jobId = (n: number): string => `ftjob-${String(n).padStart(6, '0')}`;

if (import.meta.filename === process.argv[1]) serve();

function serve(): void {
  const [count = 0, delay = 0, since = 0] = process.argv.slice(2).map(Number);
  const asked = { lists: 0, events: 0, jobs: 0 };
  let paused = -1;

  const jobOf = (n: number) => ({
    object: 'fine_tuning.job',
    id: jobId(n),
    status: n % PAUSED_OF === paused ? 'paused' : 'running',
    model: 'gpt-4.1-mini-2025-04-14',
    created_at: Math.floor(since / 1000),
    finished_at: null,
    estimated_finish: null,
    fine_tuned_model: null,
    trained_tokens: null,
    error: null,
    hyperparameters: { n_epochs: 3, batch_size: 1, learning_rate_multiplier: 2 },
    metadata: {},
  });

  function answer(url: URL): object {
    const [, , , id, what] = url.pathname.split('/');
    if (what !== undefined) {
      asked.events += 1;
      return { object: 'list', data: [], has_more: false };
    }
    if (id !== undefined) {
      asked.jobs += 1;
      return jobOf(numberOf(id));
    }
    asked.lists += 1;
    const after = url.searchParams.get('after');
    const first = after === null ? count - 1 : numberOf(after) - 1;
    const length = Math.min(Number(url.searchParams.get('limit') ?? 20), first + 1);
    const data = Array.from({ length }, (_, place) => jobOf(first - place));
    return { object: 'list', data, has_more: first + 1 > length };
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const isControl = request.method === 'PUT';
    if (isControl) paused = Number(await text(request));
    const found = isControl || url.pathname === '/asked' ? asked : answer(url);
    setTimeout(
      () => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(found));
      },
      found === asked ? 0 : delay,
    );
  }

  const server = createServer((request, response) => void respond(request, response));
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('No port');
    process.send?.({ url: `http://127.0.0.1:${address.port}` });
  });
  process.once('disconnect', () => process.exit());
}

function numberOf(id: string): number {
  return Number(id.slice(jobId(0).indexOf('-') + 1));
}
