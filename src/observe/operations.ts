/** GraphQL operations over all transports: counted, timed, traced and named in the log; never their text or variables. */
import { getOperationAST, type ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { KnownFieldsLog } from '../log.ts';
import { currentContext, noteOperation } from './logContext.ts';
import type { Metrics, OperationType } from './metrics.ts';
import { inSpan, markFailed } from './spans.ts';

/** Names are the client's; past this they are cut. */
const LONGEST_NAME = 64;

export interface OperationWatch {
  metrics: Metrics;
  log: KnownFieldsLog;
}

export function watchOperations({ metrics, log }: OperationWatch): Plugin {
  /** Executes, or begins to follow. `failed` tells whether there is anything wrong in what came. */
  async function watched<T>(args: ExecutionArgs, work: () => T | Promise<T>, failed: (result: T) => boolean) {
    const { type, label } = described(args);
    noteOperation(label);
    const began = performance.now();
    let outcome: 'ok' | 'error' = 'error';
    try {
      return await inSpan(
        {
          name: `graphql ${type}`,
          attributes: { 'graphql.operation.type': type, 'tunesmith.operation': label },
        },
        async (span) => {
          const result = await work();
          if (failed(result)) markFailed(span, 'GRAPHQL_ERRORS');
          else outcome = 'ok';
          return result;
        },
      );
    } finally {
      const ms = performance.now() - began;
      metrics.operationEnded(type, outcome, ms / 1000);
      // Over HTTP the request's line tells it.
      const known = currentContext();
      if (known.socketId !== undefined)
        log.info(known, { outcome, ms: Math.round(ms) }, 'An operation over a WebSocket was answered');
    }
  }

  return {
    onParse: () => (parsed: { result: unknown }) => {
      if (parsed.result instanceof Error) metrics.operationEnded('unknown', 'error', 0);
    },
    onValidate: () => (validated: { valid: boolean }) => {
      if (!validated.valid) metrics.operationEnded('unknown', 'error', 0);
    },
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => watched(args, () => executeFn(args), hasErrors));
    },
    onSubscribe({ subscribeFn, setSubscribeFn }) {
      setSubscribeFn((args: ExecutionArgs) => watched(args, () => subscribeFn(args), hasErrors));
    },
  };
}

export function described(args: ExecutionArgs): { type: OperationType; label: string } {
  const operation = getOperationAST(args.document, args.operationName);
  const type = operation?.operation ?? 'unknown';
  const name = operation?.name?.value.slice(0, LONGEST_NAME);
  return { type, label: name === undefined ? type : `${type} ${name}` };
}

function hasErrors(result: unknown): boolean {
  return result instanceof Object && Array.isArray(Reflect.get(result, 'errors'));
}
