/**
 * Queries and mutations that come as JSON and are answered with JSON, past Yoga's own HTTP: it makes requests and
 * responses of the Fetch API, which takes longer than most of what is asked. The pipeline is Yoga's. What is unusual in
 * any way, or wrong, is left to Yoga whole, so that one place says what is wrong with it.
 */
import { getOperationAST, OperationTypeNode, type ExecutionResult, type GraphQLError } from 'graphql';
import { processRegularResult, type FetchAPI } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { currentContext, noteOperation } from '../observe/logContext.ts';
import type { Metrics } from '../observe/metrics.ts';
import { parseJson } from '../parseJson.ts';
import { onceThere, type Soon } from '../soon.ts';
import { sourcesOf } from './answerSources.ts';
import type { KnownQueries } from './knownQueries.ts';
import {
  prepare,
  type Gone,
  type Operation,
  type OperationOpener,
  type OperationParams,
} from './operation.ts';
import { bodyOf } from '../schema/plan/execute.ts';
import type { LookUp, ResponseCache } from './responseCache.ts';
import type { Session } from './session.ts';

export interface PlainAnswer {
  status: number;
  type: string;
  body: Buffer;
  /** Besides its type and length. */
  headers: Readonly<Record<string, string>>;
}

interface Asked {
  session: Session;
  body: string;
  type: string;
  gone: Gone;
}

interface PlainOptions {
  open: OperationOpener;
  knownQueries: KnownQueries;
  /** What clients are told of an error. */
  mask: (error: unknown) => GraphQLError;
  fetchAPI: FetchAPI;
  cache: ResponseCache;
  metrics: Pick<Metrics, 'answerFound' | 'answerMade' | 'operationEnded'>;
}

const paramsSchema = z.strictObject({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().min(1).nullish(),
  extensions: z.record(z.string(), z.unknown()).nullish(),
});

/** Longer ones are read each time, so that nobody can fill the memory with them. */
const LONGEST_READ = 4_000;
const MOST_READ = 1_000;

/** Told of every answer, whatever it is. */
const OF_THE_BODY = new Set(['content-type', 'content-length']);

export function createPlainOperations({ open, knownQueries, mask, fetchAPI, cache, metrics }: PlainOptions) {
  /** Known queries that came lately, by their text: they come again and again, and reading takes longer than looking up. */
  const read = new LRUCache<string, OperationParams>({ max: MOST_READ });

  /** The answer; null when nothing has been done, and Yoga has to look at it. */
  function answer(session: Session, body: string, type: string, gone: Gone): Soon<PlainAnswer | null> {
    const began = performance.now();
    return onceThere(cache.find({ viewer: session.viewer, body, type }), (found) => {
      if (!found.answer) return workedOut({ session, body, type, gone }, found);
      noteOperation(found.answer.label);
      metrics.answerFound();
      metrics.operationEnded('query', 'ok', (performance.now() - began) / 1000);
      return { status: 200, type, body: found.answer.body, headers: {} };
    });
  }

  function workedOut(asked: Asked, found: LookUp): Soon<PlainAnswer | null> {
    const { session, body } = asked;
    const params = read.get(body) ?? paramsOf(body);
    if (!params) return null;
    return onceThere(knownQueries.answer(session, params, body), (result) => {
      if (!result) return byPipeline(asked, params, found);
      if (body.length <= LONGEST_READ) read.set(body, params);
      return told(result, asked, found);
    });
  }

  async function byPipeline(asked: Asked, params: OperationParams, found: LookUp) {
    const { session, gone } = asked;
    const result = await resultOf(open({ session, gone, params }), params, knownQueries).catch(
      (error: unknown): ExecutionResult => ({ errors: [mask(error)] }),
    );
    return result && told(result, asked, found);
  }

  function told(result: ExecutionResult, { type }: Asked, found: LookUp): Soon<PlainAnswer> {
    if (result.errors) return withErrors(result, type);
    return { status: 200, type, body: kept(result, found), headers: {} };
  }

  async function withErrors(result: ExecutionResult, type: string): Promise<PlainAnswer> {
    const response = processRegularResult({ ...result }, fetchAPI, type);
    const others = [...response.headers.entries()].filter(([name]) => !OF_THE_BODY.has(name.toLowerCase()));
    const body = Buffer.from(await response.arrayBuffer());
    return { status: response.status, type, body, headers: Object.fromEntries(others) };
  }

  /** The answer's text, which is told again if it can be. */
  function kept(result: ExecutionResult, { keep }: LookUp): Buffer {
    const body = bodyOf(result);
    const sources = sourcesOf(result);
    if (sources) {
      metrics.answerMade();
      keep({ body, label: currentContext().operation ?? 'query' }, sources);
    }
    return body;
  }

  return answer;
}

/** Null of what is not as it is to be. */
export function paramsOf(body: string): OperationParams | null {
  const { data } = paramsSchema.safeParse(parseJson(body));
  if (!data) return null;
  const { query, variables, operationName } = data;
  return { query, ...(variables && { variables }), ...(operationName && { operationName }) };
}

/** Null of a subscription. */
async function resultOf(
  operation: Operation,
  params: OperationParams,
  knownQueries: KnownQueries,
): Promise<ExecutionResult | null> {
  const prepared = await prepare(operation, params);
  if (!('document' in prepared)) return { errors: prepared };
  const type = getOperationAST(prepared.document, prepared.operationName)?.operation;
  knownQueries.remember(params, prepared);
  return type === OperationTypeNode.SUBSCRIPTION ? null : operation.execute(prepared);
}
