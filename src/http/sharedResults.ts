/**
 * What all subscribers are told of one event is found out once for those who ask the same with the same rights: a plugin
 * of Yoga's pipeline. It is handed on to all of them at once (broadcasts.ts) where the transport is ours, and pulled by
 * Yoga where it is not.
 */
import {
  createSourceEventStream,
  execute,
  type GraphQLError,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { notingSources, type Sources } from '../db/sources.ts';
import type { Context } from '../schema/context.ts';
import type { Asked } from './broadcasts.ts';
import { messageOf, type Message } from './messages.ts';
import { createQuestions } from './questions.ts';

/** How long a result is handed on, in milliseconds: long enough to reach thousands, too short to be out of date. */
const SHARED_MS = 1_000;

interface SharedMessage {
  message: Promise<Message>;
  until: number;
}

export interface SharedResultsOptions {
  /** What clients are told of an error. */
  mask: (error: unknown) => GraphQLError;
  /** One more follows; what it returns is called when it does not any more. */
  started: () => () => void;
}

const asked = new WeakMap<object, Asked>();

/** Of an operation that was subscribed to, and has not been told anything: what broadcasts need. Taken once. */
export function takeAsked({ contextValue }: ExecutionArgs): Asked | undefined {
  if (!(contextValue instanceof Object)) return undefined;
  const found = asked.get(contextValue);
  asked.delete(contextValue);
  return found;
}

const NEVER = new AbortController().signal;
/** Feeds give one object to all who follow (services/sharedReads.ts, services/runFeed.ts), so events are told by it. */
export function sharedResults({ mask, started }: SharedResultsOptions): Plugin<Context> {
  const messages = new WeakMap<object, Map<string, SharedMessage>>();
  const questionOf = createQuestions();

  /** The context is of this event alone, and nobody's leaving ends what others may be told. */
  async function answer(args: ExecutionArgs, context: Context, event: unknown): Promise<Message> {
    const sources: Sources = { tables: new Set(), personal: false, momentary: false };
    const contextValue: Context = { ...context, gone: () => NEVER };
    const result = await notingSources(sources, async () =>
      execute({ ...args, rootValue: event, contextValue }),
    );
    return messageOf(result, mask, sources.personal);
  }

  async function answerTogether(event: unknown, question: string, alone: () => Promise<Message>) {
    if (!(event instanceof Object)) return alone();
    const ofEvent = messages.get(event) ?? new Map<string, SharedMessage>();
    messages.set(event, ofEvent);
    const now = performance.now();
    const present = ofEvent.get(question);
    if (present && present.until > now) {
      const message = await present.message;
      return message.personal ? alone() : message;
    }
    const message = alone();
    ofEvent.set(question, { message, until: now + SHARED_MS });
    return message;
  }

  async function subscribe(given: ExecutionArgs, context: Context) {
    const args = { ...given }; // The transport empties its own.
    const stream = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in stream)) return stream;
    const source = stream[Symbol.asyncIterator]();
    const { tenantId, role } = context.viewer;
    const question = questionOf(args, [tenantId, role]);
    // What comes first is how things are now, which is looked up for each.
    let first = true;
    const one: Asked = {
      question,
      source,
      viewer: context.viewer,
      async answer(event, viewer) {
        const alone = async () => answer(args, { ...context, viewer }, event);
        const message = first ? alone() : answerTogether(event, question, alone);
        first = false;
        return message;
      },
    };
    asked.set(context, one);
    return pulled(one, started);
  }

  return {
    onSubscribe({ args: { contextValue }, setSubscribeFn }) {
      setSubscribeFn((args: ExecutionArgs) => subscribe(args, contextValue));
    },
  };
}

/** Ends the source when something cannot be told. `return` reaches the source at once, also while it waits. */
function pulled(
  { source, viewer, answer }: Asked,
  started: () => () => void,
): AsyncIterableIterator<ExecutionResult> {
  let ended: (() => void) | undefined;
  async function end(): Promise<void> {
    ended?.();
    await source.return?.();
  }
  return {
    async next() {
      ended ??= started();
      try {
        const { done, value }: IteratorResult<unknown> = await source.next();
        if (!done) return { done: false, value: (await answer(value, viewer)).result };
      } catch (error) {
        await end();
        throw error;
      }
      ended();
      return { done: true, value: undefined };
    },
    async return() {
      await end();
      return { done: true, value: undefined };
    },
    async throw(error) {
      await end();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
