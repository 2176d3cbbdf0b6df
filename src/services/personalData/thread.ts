/** Searches for personal data in a thread of its own: a page of examples takes a good part of a second. */
import { Worker } from 'node:worker_threads';
import { workerUrl } from '../../paths.ts';
import type {
  Conversation,
  LineFindings,
  PlacedFinding,
  RedactedConversation,
  StoredExample,
  Work,
} from './work.ts';

export interface ThreadRequest {
  id: number;
  kind: keyof Work;
  /** Examples as JSON, or lines. */
  items: readonly string[];
}

export type ThreadAnswer = { id: number; result: unknown[] } | { id: number; error: string };

/** Gives a result for each item, in order. Give a page at a time: what is waited for is held in memory. */
export interface PersonalDataSearch {
  scan(examples: readonly StoredExample[]): Promise<PlacedFinding[][]>;
  redact(conversations: readonly Conversation[]): Promise<RedactedConversation[]>;
  inspect(lines: readonly string[]): Promise<(LineFindings | null)[]>;
}

/** The thread is started when it is first needed, serves everybody, and does not keep the process alive. */
export function createPersonalDataSearch(): PersonalDataSearch {
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let worker: Worker | null = null;
  let lastId = 0;

  function started(): Worker {
    if (worker) return worker;
    const fresh = new Worker(workerUrl('personalDataWorker'));
    const fail = (error: Error): void => {
      if (worker !== fresh) return;
      worker = null; // The next request starts another.
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    };
    fresh.on('error', fail);
    fresh.on('exit', (code) => fail(new Error(`The search for personal data ended with code ${code}`)));
    fresh.on('message', (answer: ThreadAnswer) => {
      const asked = waiting.get(answer.id);
      waiting.delete(answer.id);
      if (waiting.size === 0) fresh.unref();
      if ('error' in answer) asked?.reject(new Error(answer.error));
      else asked?.resolve(answer.result);
    });
    worker = fresh;
    return fresh;
  }

  function ask<Result>(kind: keyof Work, items: readonly string[]): Promise<Result[]> {
    if (items.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const thread = started();
      lastId += 1;
      waiting.set(lastId, { resolve: (result) => resolve(result as Result[]), reject });
      thread.ref();
      thread.postMessage({ id: lastId, kind, items } satisfies ThreadRequest);
    });
  }

  return {
    scan: (examples) => ask<PlacedFinding[]>('scan', examples.map(asJson)),
    redact: (conversations) =>
      ask<RedactedConversation>(
        'redact',
        conversations.map((one) => JSON.stringify(one)),
      ),
    inspect: (lines) => ask<LineFindings | null>('inspect', lines),
  };
}

function asJson({ messages, tools }: StoredExample): string {
  return JSON.stringify({ messages, tools });
}
