/**
 * A cache that never answers, and sees to it that it could have: what it holds is compared with what is worked out anew.
 * Every query of every test on the shared server is a test of when answers are forgotten.
 */
import type { Question, ResponseCache } from '../../src/http/responseCache.ts';

export function verifiedCache(cache: ResponseCache): ResponseCache {
  return {
    ...cache,
    async find(question) {
      const found = await cache.find(question);
      const held = found.answer?.body;
      return {
        answer: undefined,
        keep(answer, sources) {
          if (held === undefined || held.equals(answer.body)) return found.keep(answer, sources);
          // It may have changed since the look-up; then it is forgotten as soon as that is known. Vitest tells of a rejection.
          void requireForgotten(cache, question, held, answer.body);
        },
      };
    },
  };
}

async function requireForgotten(cache: ResponseCache, question: Question, held: Buffer, now: Buffer) {
  await cache.caughtUp();
  const { answer } = await cache.find(question);
  if (!answer?.body.equals(held)) return;
  throw new Error(
    `An answer is out of date and was not forgotten:\n${question.body}\nheld ${held.toString()}\nnow  ${now.toString()}`,
  );
}
