/** Queries are answered by plans where they can (schema/plan/execute.ts): a plugin of Yoga's pipeline. */
import type { ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../schema/context.ts';
import type { AnswerByPlan } from './knownQueries.ts';

export function plannedQueries(answerByPlan: AnswerByPlan): Plugin<Context> {
  return {
    onExecute({ args: { contextValue }, executeFn, setExecuteFn }) {
      setExecuteFn(async (args: ExecutionArgs): Promise<unknown> => {
        const data = await answerByPlan(args, contextValue);
        return data ? { data } : executeFn(args);
      });
    },
  };
}
