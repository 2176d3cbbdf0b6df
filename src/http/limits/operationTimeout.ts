/** Answers what takes too long, over every transport: a plugin of Yoga's pipeline. Subscriptions last as long as they like. */
import { getOperationAST, GraphQLError, OperationTypeNode, type ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Soon } from '../../soon.ts';
import type { Limits } from './limits.ts';

export function operationTimeout(limits: Pick<Limits, 'querySeconds' | 'mutationSeconds'>): Plugin {
  /** What Yoga's executor has not begun when the signal comes, it does not begin. */
  async function inTime(args: ExecutionArgs, execute: (args: ExecutionArgs) => unknown): Promise<unknown> {
    const isMutation =
      getOperationAST(args.document, args.operationName)?.operation === OperationTypeNode.MUTATION;
    const seconds = isMutation ? limits.mutationSeconds : limits.querySeconds;
    const over = new AbortController();
    const timer = setTimeout(
      () => over.abort(isMutation ? stillGoing(seconds) : tooSlow(seconds)),
      seconds * 1000,
    );
    const timedOut = new Promise((resolve) => {
      over.signal.addEventListener('abort', () => resolve({ errors: [over.signal.reason] }));
    });
    const executed = Promise.resolve(execute(Object.assign(args, { signal: over.signal })));
    // When it was too late, that has been told.
    const executedInTime = executed.catch((error: unknown) =>
      over.signal.aborted ? timedOut : Promise.reject(error),
    );
    try {
      return await Promise.race([executedInTime, timedOut]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => inTime(args, executeFn));
    },
  };
}

/** As above, of a query in which nothing has to be stopped: its statements have a time-out of their own. */
export function inTimeOr<Result>(
  seconds: number,
  work: Soon<Result>,
): Soon<Result | { errors: GraphQLError[] }> {
  if (!(work instanceof Promise)) return work;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve({ errors: [tooSlow(seconds)] }), seconds * 1000);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function tooSlow(seconds: number): GraphQLError {
  return timeoutError(
    `The query took more than ${seconds} s, which is as long as is allowed (QUERY_TIMEOUT_SECONDS). Ask for less at once, or filter.`,
  );
}

function stillGoing(seconds: number): GraphQLError {
  return timeoutError(
    `The mutation takes more than ${seconds} s, which is as long as answers are waited for (MUTATION_TIMEOUT_SECONDS). The field that is under way goes on to its end, those after it are not begun. Look at what it has done before you send it again.`,
  );
}

function timeoutError(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'OPERATION_TIMEOUT' } });
}
