/**
 * Equal queries that come while one is being answered wait, and are answered together by the next: a plugin of Yoga's
 * pipeline. Nobody is told less than if they had been alone, since what answers a query is begun after it came. A server
 * with more to do than it can does the more at once the more of it is alike, and dashboards all ask alike.
 */
import { getOperationAST, OperationTypeNode, type ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../schema/context.ts';
import type { Viewer } from '../services/viewer.ts';
import type { Soon } from '../soon.ts';
import { createQuestions } from './questions.ts';

/** Who asks for more than this, written as JSON, asks for something of their own. */
const LONGEST_QUESTION = 4_000;

/** Answers equal questions together. */
export type AnswerInLine<Result> = (question: string, answer: () => Soon<Result>) => Soon<Result>;

interface Line<Result> {
  /** Settles, without a value, when what is being answered has been. */
  running: Promise<unknown>;
  /** What answers those who wait. */
  next: Promise<Result> | null;
}

export function createLines<Result>(): AnswerInLine<Result> {
  const lines = new Map<string, Line<Result>>();

  function begin(question: string, answer: () => Soon<Result>): Soon<Result> {
    lines.delete(question);
    const answered = answer();
    if (!(answered instanceof Promise)) return answered;
    const leave = () => {
      if (line.next === null) lines.delete(question);
    };
    const line: Line<Result> = { running: answered.then(leave, leave), next: null };
    lines.set(question, line);
    return answered;
  }

  function answerInLine(question: string, answer: () => Soon<Result>): Soon<Result> {
    const line = lines.get(question);
    if (!line) return begin(question, answer);
    line.next ??= line.running.then(() => begin(question, answer));
    return line.next;
  }

  return (question, answer) =>
    question.length > LONGEST_QUESTION ? answer() : answerInLine(question, answer);
}

export function sharedQueries(): Plugin<Context> {
  const answerInLine = createLines<unknown>();
  const textOf = createQuestions();

  /** The same for all who are to be told the same; null for what nobody else may share. */
  function questionOf(args: ExecutionArgs, { tenantId, role, subject }: Viewer): string | null {
    const operation = getOperationAST(args.document, args.operationName)?.operation;
    return operation === OperationTypeNode.QUERY ? textOf(args, [tenantId, role, subject]) : null;
  }

  return {
    onExecute({ args: { contextValue }, executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => {
        const question = questionOf(args, contextValue.viewer);
        return question === null ? executeFn(args) : answerInLine(question, async () => executeFn(args));
      });
    },
  };
}
