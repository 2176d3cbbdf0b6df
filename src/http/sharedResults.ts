/**
 * What all subscribers are told of one event is found out once for those who ask the same with the same rights: a plugin
 * of Yoga's pipeline.
 */
import { createSourceEventStream, execute, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../schema/context.ts';
import type { Viewer } from '../services/viewer.ts';
import { createQuestions } from './questions.ts';

/** How long a result is handed on, in milliseconds: long enough to reach thousands, too short to be out of date. */
const SHARED_MS = 1_000;

interface SharedResult {
  result: ExecutionResult | Promise<ExecutionResult>;
  until: number;
}

/** Feeds give one object to all who follow (services/sharedReads.ts, services/runFeed.ts), so events are told by it. */
export function sharedResults(): Plugin<Context> {
  const results = new WeakMap<object, Map<string, SharedResult>>();
  const questionOf = createQuestions();

  function resultOf(args: ExecutionArgs, event: unknown, question: string): SharedResult['result'] {
    const answer = () => execute({ ...args, rootValue: event });
    if (!(event instanceof Object)) return answer();
    const ofEvent = results.get(event) ?? new Map<string, SharedResult>();
    results.set(event, ofEvent);
    const now = performance.now();
    const present = ofEvent.get(question);
    if (present && present.until > now) return present.result;
    const result = answer();
    ofEvent.set(question, { result, until: now + SHARED_MS });
    return result;
  }

  async function subscribe(args: ExecutionArgs, { tenantId, role }: Viewer) {
    const source = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in source)) return source;
    const question = questionOf(args, [tenantId, role]);
    // What comes first is how things are now, which is looked up for each.
    let first = true;
    return mapped(source[Symbol.asyncIterator](), async (event) => {
      const result = first ? execute({ ...args, rootValue: event }) : resultOf(args, event, question);
      first = false;
      return result;
    });
  }

  return {
    onSubscribe({ args: { contextValue }, setSubscribeFn }) {
      setSubscribeFn((args: ExecutionArgs) => subscribe(args, contextValue.viewer));
    },
  };
}

/** Ends the source when a value cannot be mapped. `return` reaches the source at once, also while it waits. */
function mapped<T, U>(source: AsyncIterator<T>, map: (value: T) => Promise<U>): AsyncIterableIterator<U> {
  return {
    async next() {
      const { done, value } = await source.next();
      if (done === true) return { done, value };
      try {
        return { done: false, value: await map(value) };
      } catch (error) {
        await source.return?.();
        throw error;
      }
    },
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
    async throw(error) {
      await source.return?.();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
