import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAnswerers } from './answers.ts';
import { chatRoute } from './chat.ts';
import type { Faults } from './faults.ts';
import { openFiles } from './files.ts';
import { ApiError, SERVER_ERROR, send, type Reply } from './http.ts';
import { openLives } from './joblife.ts';
import { jobRoutes } from './jobroutes.ts';
import { openJobs, type Job, type JobBook } from './jobs.ts';
import { openLedger, type Ledger, type LedgerKeeper } from './ledger.ts';
import { modelRoutes } from './models.ts';
import { findRoute, routesOf, type Route } from './routes.ts';
import { openStore } from './store.ts';
import { newId } from './ids.ts';

/** Jobs that go on when the sandbox starts; a paused one waits to be resumed. */
const UNFINISHED = new Set<Job['status']>(['validating_files', 'queued', 'running']);

export interface SandboxOptions {
  /** Where to listen; 127.0.0.1 unless told otherwise. */
  host?: string;
  /** 0, the default, takes any free port. */
  port?: number;
  /** Where files, jobs and models persist; without it a private temporary directory, removed on close. */
  dataDir?: string;
  /** The one bearer token that is accepted; 'sandbox' by default. */
  apiKey?: string;
  /** 1, the default, makes a small job last 6 to 8 seconds; a wait is divided by it, Infinity leaves none. */
  speed?: number;
  /** Milliseconds since 1970, for the times that are shown; Date.now by default. */
  now?: () => number;
  /** What goes wrong on the way; nothing by default. */
  faults?: Faults;
}

export interface Sandbox {
  /** The base URL for a client, such as http://127.0.0.1:1234/v1 */
  url: string;
  /** What was asked of it and which jobs it made, whatever the client saw of that. */
  ledger: Ledger;
  /** Stops listening, drops open connections and halts every job; with a `dataDir` they go on at the next start. */
  close(): Promise<void>;
}

/**
 * Starts a stand-in for OpenAI's fine-tuning API: files, fine-tuning jobs, models and chat completions over HTTP,
 * with the provider's status codes, error bodies and list envelopes. Jobs that a `dataDir` holds unfinished go on.
 * One data directory serves one sandbox at a time. Rejects when the address cannot be listened on.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { host = '127.0.0.1', port = 0, apiKey = 'sandbox', speed = 1, now = Date.now, faults } = options;
  const root = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'tunesmith-sandbox-')));
  const closing = new AbortController();

  const store = await openStore(root);
  const files = await openFiles(store, now);
  const book = await openJobs(store, now);
  const ledger = openLedger(now);
  const lives = openLives(book, files, now, speed);
  const routes = routesOf({
    files,
    jobs: jobRoutes(faults === undefined ? book : withDelay(book, faults, now), lives, files, ledger),
    models: modelRoutes(book),
    chat: chatRoute(book, openAnswerers(closing.signal), now),
  });

  const server = createServer((request, response) => {
    void serve({ routes, apiKey, ledger, faults, now }, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The sandbox listens on no port.');

  for (const { job } of book.all()) if (UNFINISHED.has(job.status)) lives.begin(job.id);

  let closed: Promise<void> | undefined;
  async function close(): Promise<void> {
    closing.abort();
    const stopped = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeAllConnections();
    await Promise.all([stopped, lives.close()]);
    if (options.dataDir === undefined) await rm(root, { recursive: true, force: true });
  }

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}/v1`,
    ledger,
    close: () => (closed ??= close()),
  };
}

/** For a client that left before it had sent all: nobody reads an answer, and nothing is wrong here. */
const GONE: Reply = { kind: 'reset' };

/** The book as its list shows it: without the jobs that are still to appear there. */
function withDelay(book: JobBook, faults: Faults, now: () => number): JobBook {
  return { ...book, all: () => book.all().filter(({ job }) => faults.listed(job.id, now())) };
}

/** What answering takes. */
interface Desk {
  routes: readonly Route[];
  apiKey: string;
  ledger: LedgerKeeper;
  faults: Faults | undefined;
  now: () => number;
}

/** Answers one request. Whatever goes wrong becomes an error body, or the end of a connection already answered on. */
async function serve(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('x-request-id', newId('req_'));
  const reply = await answer(desk, request).catch((error: unknown) =>
    request.errored === null ? errorReply(error) : GONE,
  );
  // A body that nobody read (an upload refused) must drain, or the client would wait to send it for ever.
  request.resume();
  await send(response, reply).catch(() => response.destroy());
}

async function answer(desk: Desk, request: IncomingMessage): Promise<Reply> {
  const { routes, apiKey, ledger, faults, now } = desk;
  const url = new URL(request.url ?? '/', 'http://sandbox');
  const token = /^Bearer (.*)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token !== apiKey) {
    const message = token ? `Incorrect API key provided: ${veil(token)}.` : "You didn't provide an API key.";
    throw new ApiError(401, message, { code: 'invalid_api_key' });
  }
  const { route, id } = findRoute(routes, request.method ?? 'GET', url.pathname);
  ledger.asked(route);
  const call = { request, query: url.searchParams, id };
  return await (faults === undefined ? route.handle(call) : faults.answer(route, call, now));
}

/** A key that was sent by mistake should not be readable in logs of the answer. */
function veil(token: string): string {
  return token.length <= 8 ? '*'.repeat(token.length) : `${token.slice(0, 3)}***${token.slice(-4)}`;
}

function errorReply(error: unknown): Reply {
  const known = error instanceof ApiError ? error : new ApiError(500, SERVER_ERROR);
  if (known !== error) console.error('sandbox:', error);
  return { kind: 'json', status: known.status, json: known.body() };
}
