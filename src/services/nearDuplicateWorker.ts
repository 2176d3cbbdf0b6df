/**
 * The thread of one search for near-duplicates: it takes examples page by page, keeps their shingles and not their
 * words, and answers each message with one of its own. See nearDuplicateSearch.ts, which starts it.
 */
import { parentPort } from 'node:worker_threads';
import { nearDuplicateGroups, similarity } from './nearDuplicates.ts';
import type { SearchAnswers, SearchRequest } from './nearDuplicateSearch.ts';
import { conversationText, shingleSet } from './shingles.ts';

const parent = parentPort;
if (!parent) throw new Error('nearDuplicateWorker runs as a worker thread only');

const sets: Uint32Array[] = [];

parent.on('message', (request: SearchRequest) => {
  parent.postMessage(answer(request));
});

function answer(request: SearchRequest): SearchAnswers[SearchRequest['kind']] {
  if (request.kind === 'groups') return nearDuplicateGroups(sets, request.threshold);
  if (request.kind === 'similarities') return request.pairs.map(([a, b]) => similarityOf(a, b));
  for (const messages of request.messages) sets.push(shingleSet(conversationText(JSON.parse(messages))));
  return null;
}

function similarityOf(a: number, b: number): number {
  const [one, other] = [sets[a], sets[b]];
  if (one === undefined || other === undefined) throw new RangeError(`There is no pair ${a}, ${b}`);
  return similarity(one, other);
}
