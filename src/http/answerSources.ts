/** What each result of a query is made of, and no answer to a mutation before all have heard of it: a plugin of Yoga's pipeline. */
import { getOperationAST, OperationTypeNode, type ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { onceThere, type Soon } from '../soon.ts';
import { notingSources, type Sources } from '../db/sources.ts';

const known = new WeakMap<object, Sources>();

/** Undefined for what may not be told again: mutations, answers with errors, and those that a clock had a say in. */
export function sourcesOf(result: object): Sources | undefined {
  return known.get(result);
}

/** `caughtUp` settles when what was committed before is known to whoever keeps answers. */
export function answerSources(caughtUp: () => Promise<void>): Plugin {
  async function mutate(args: ExecutionArgs, execute: (args: ExecutionArgs) => unknown): Promise<unknown> {
    try {
      return await execute(args);
    } finally {
      await caughtUp();
    }
  }

  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => {
        const type = getOperationAST(args.document, args.operationName)?.operation;
        return type === OperationTypeNode.MUTATION
          ? mutate(args, executeFn)
          : withSources(async () => executeFn(args));
      });
    },
  };
}

/** The result of a query, of which it is known then what it is made of. */
export function withSources<Result>(execute: () => Soon<Result>): Soon<Result> {
  const sources: Sources = { tables: new Set(), personal: false, momentary: false };
  return onceThere(notingSources(sources, execute), (result) => {
    // What came of no table is told by something that is not watched.
    const lasts = !sources.momentary && sources.tables.size > 0;
    if (lasts && result instanceof Object && !('errors' in result)) known.set(result, sources);
    return result;
  });
}
