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

interface Line {
  /** Settles, without a value, when what is being answered has been. */
  running: Promise<unknown>;
  /** What answers those who wait. */
  next: Promise<unknown> | null;
}

export function sharedQueries(): Plugin<Context> {
  const lines = new Map<string, Line>();
  const textOf = createQuestions();

  /** The same for all who are to be told the same; null for what nobody else may share. */
  function questionOf(args: ExecutionArgs, { tenantId, role, subject }: Viewer): string | null {
    const operation = getOperationAST(args.document, args.operationName)?.operation;
    if (operation !== OperationTypeNode.QUERY) return null;
    const question = textOf(args, [tenantId, role, subject]);
    return question.length > LONGEST_QUESTION ? null : question;
  }

  function begin(question: string, line: Line, answer: () => unknown): Promise<unknown> {
    const answered = (async () => answer())();
    line.next = null;
    line.running = answered.then(
      () => leave(question, line),
      () => leave(question, line),
    );
    return answered;
  }

  function leave(question: string, line: Line): void {
    if (line.next === null) lines.delete(question);
  }

  function answerInLine(question: string, answer: () => unknown): Promise<unknown> {
    const present = lines.get(question);
    if (!present) {
      const line: Line = { running: Promise.resolve(), next: null };
      lines.set(question, line);
      return begin(question, line, answer);
    }
    present.next ??= present.running.then(() => begin(question, present, answer));
    return present.next;
  }

  return {
    onExecute({ args: { contextValue }, executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => {
        const question = questionOf(args, contextValue.viewer);
        return question === null ? executeFn(args) : answerInLine(question, () => executeFn(args));
      });
    },
  };
}
