/**
 * Equal queries that come while one is being answered wait, and are answered together by the next: a plugin of Yoga's
 * pipeline. Nobody is told less than if they had been alone, since what answers a query is begun after it came. A server
 * with more to do than it can does the more at once the more of it is alike, and dashboards all ask alike.
 */
import { getOperationAST, OperationTypeNode, type ExecutionArgs } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../schema/context.ts';
import type { Viewer } from '../services/viewer.ts';
import { createQuestions } from './questions.ts';

/** Who asks for more than this, written as JSON, asks for something of their own. */
const LONGEST_QUESTION = 4_000;

/** Answers equal questions together. */
export type AnswerInLine<Result> = (question: string, answer: () => Promise<Result>) => Promise<Result>;

interface Line<Result> {
  /** Settles, without a value, when what is being answered has been. */
  running: Promise<unknown>;
  /** What answers those who wait. */
  next: Promise<Result> | null;
}

export function createLines<Result>(): AnswerInLine<Result> {
  const lines = new Map<string, Line<Result>>();

  function begin(question: string, line: Line<Result>, answer: () => Promise<Result>): Promise<Result> {
    const answered = answer();
    line.next = null;
    line.running = answered.then(
      () => leave(question, line),
      () => leave(question, line),
    );
    return answered;
  }

  function leave(question: string, line: Line<Result>): void {
    if (line.next === null) lines.delete(question);
  }

  function answerInLine(question: string, answer: () => Promise<Result>): Promise<Result> {
    const present = lines.get(question);
    if (!present) {
      const line: Line<Result> = { running: Promise.resolve(), next: null };
      lines.set(question, line);
      return begin(question, line, answer);
    }
    present.next ??= present.running.then(() => begin(question, present, answer));
    return present.next;
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
