/** Answers by plans, each compared with what GraphQL's executor answers: every query of every test is a test of plans. */
import type { ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../../src/schema/context.ts';
import { answerByPlan } from '../../src/schema/plan/execute.ts';

/** Things change between the one and the other; what is wrong stays so. */
const TRIES = 8;

export function verifiedPlans(): Plugin<Context> {
  return {
    onExecute({ args: { contextValue }, executeFn, setExecuteFn }) {
      setExecuteFn(async (args: ExecutionArgs): Promise<unknown> => {
        let ours: object | null = null;
        let theirs: unknown;
        for (let n = 0; n < TRIES; n += 1) {
          ours = await answerByPlan(args, contextValue);
          if (!ours) return executeFn(args);
          theirs = await executeFn(args);
          if (JSON.stringify({ data: ours }) === JSON.stringify(theirs)) return { data: ours };
        }
        throw new Error(
          `A plan answers otherwise:\nplan     ${JSON.stringify(ours)}\nexecutor ${JSON.stringify(theirs)}`,
        );
      });
    },
  };
}
