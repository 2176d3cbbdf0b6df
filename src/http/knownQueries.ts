/**
 * Queries that came before, and went through all of Yoga's pipeline then: what it finds out of a document is known. They
 * are answered by their plans at once, with the same around them as there: a time-out, what the answer is made of, and
 * one answer for all who ask the same. Whatever is not as usual goes through the pipeline again.
 */
import type { ExecutionArgs, ExecutionResult, GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import { noteOperation } from '../observe/logContext.ts';
import type { Metrics } from '../observe/metrics.ts';
import { described } from '../observe/operations.ts';
import { inSpan, type SpanOf } from '../observe/spans.ts';
import type { Context } from '../schema/context.ts';
import { onceThere, type Soon } from '../soon.ts';
import { withSources } from './answerSources.ts';
import { documentSize, isSizedByVariables } from './limits/documentSize.ts';
import type { Limits } from './limits/limits.ts';
import { inTimeOr } from './limits/operationTimeout.ts';
import type { OperationParams, ServerContext } from './operation.ts';
import type { Session } from './session.ts';
import { createLines } from './sharedQueries.ts';

/** As Yoga keeps of documents. */
const MOST_KNOWN = 1_000;
/** Longer texts are not kept, so that nobody can fill the memory with them. */
const LONGEST_QUERY = 8_000;

/** Others may wait for the same answer. */
const NEVER = new AbortController().signal;

interface KnownQuery {
  args: Pick<ExecutionArgs, 'schema' | 'document'>;
  /** What the log and the metrics call it. */
  label: string;
  span: SpanOf;
  isSizedByVariables: boolean;
}

/** What answers a query by a plan; null of what it does not answer. */
export type AnswerByPlan = (args: ExecutionArgs, context: Context) => Soon<Record<string, unknown> | null>;

export interface KnownQueries {
  /** The operation was found good, whatever its variables. */
  remember(params: OperationParams, args: ExecutionArgs): void;
  /** Null of what has to go through the pipeline. */
  answer(session: Session, params: OperationParams, body: string): Soon<ExecutionResult | null>;
}

interface KnownQueriesOptions {
  limits: Pick<Limits, 'complexity' | 'querySeconds'>;
  contextOf: (server: ServerContext) => Context;
  answerByPlan: AnswerByPlan;
  metrics: Pick<Metrics, 'operationEnded'>;
}

export function createKnownQueries({
  limits,
  contextOf,
  answerByPlan,
  metrics,
}: KnownQueriesOptions): KnownQueries {
  const answerInLine = createLines<ExecutionResult | null>();
  const known = new LRUCache<string, KnownQuery>({ max: MOST_KNOWN });

  function answerAlone(args: ExecutionArgs, session: Session): Soon<ExecutionResult | null> {
    const found = answerByPlan(args, contextOf({ session, gone: () => NEVER }));
    return onceThere(found, (data) => data && { data });
  }

  return {
    remember({ query, operationName }, { schema, document, operationName: name }) {
      if (query.length > LONGEST_QUERY) return;
      const { type, label } = described({ schema, document, operationName: name });
      if (type !== 'query') return;
      known.set(keyOf(query, operationName), {
        args: { schema, document },
        label,
        span: spanOf(label),
        isSizedByVariables: isSizedByVariables(document),
      });
    },

    answer(session, { query, variables, operationName }, body) {
      const found = known.get(keyOf(query, operationName));
      if (!found) return null;
      const {
        label,
        args: { schema, document },
      } = found;
      if (found.isSizedByVariables && isTooComplex(schema, found, variables, limits)) return null;
      const began = performance.now();
      const executed = { schema, document, variableValues: variables, operationName };
      const { tenantId, role, subject } = session.viewer;
      const answered = inSpan(found.span, () =>
        answerInLine(`${tenantId} ${role} ${subject} ${body}`, () =>
          inTimeOr(
            limits.querySeconds,
            withSources(() => answerAlone(executed, session)),
          ),
        ),
      );
      return onceThere(answered, (result) => {
        if (!result) return null;
        noteOperation(label);
        metrics.operationEnded('query', result.errors ? 'error' : 'ok', (performance.now() - began) / 1000);
        return result;
      });
    },
  };
}

const spanOf = (label: string): SpanOf => ({
  name: 'graphql query',
  attributes: { 'graphql.operation.type': 'query', 'tunesmith.operation': label },
});

const keyOf = (query: string, operationName: string | undefined) => `${operationName ?? ''} ${query}`;

function isTooComplex(
  schema: GraphQLSchema,
  { args: { document } }: KnownQuery,
  variables: Record<string, unknown> | undefined,
  { complexity }: Pick<Limits, 'complexity'>,
): boolean {
  return documentSize(schema, document, variables).complexity > complexity;
}
