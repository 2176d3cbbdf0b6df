/** Answers by plans, each compared with what GraphQL's executor answers: every query of every test is a test of plans. */
import { execute } from 'graphql';
import type { AnswerByPlan } from '../../src/http/knownQueries.ts';
import { answerByPlan, bodyOf } from '../../src/schema/plan/execute.ts';

/** Things change between the one and the other; what is wrong stays so. */
const TRIES = 8;

export const verifiedByPlan: AnswerByPlan = async (args, context) => {
  let ours: Record<string, unknown> | null = null;
  let theirs: unknown;
  for (let n = 0; n < TRIES; n += 1) {
    ours = await answerByPlan(args, context);
    if (!ours) return null;
    theirs = await execute({ ...args, contextValue: { ...context } });
    if (bodyOf({ data: ours }).toString() === JSON.stringify(theirs)) return ours;
  }
  throw new Error(
    `A plan answers otherwise:\nplan     ${bodyOf({ data: ours }).toString()}\nexecutor ${JSON.stringify(theirs)}`,
  );
};
