/** An operation on its way, whatever brought it. */
import type { DocumentNode, execute, ExecutionArgs, GraphQLError, GraphQLSchema, subscribe } from 'graphql';
import type { Session } from './session.ts';

export interface ServerContext {
  /** Who asks. */
  session: Session;
  gone: Gone;
}

/** Aborts, with a ClientGoneError, when the client leaves before it is answered. */
export type Gone = () => AbortSignal;

export interface OperationParams {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
}

/** One operation with everything that the server does around it, as Yoga's `getEnveloped` gives it. */
export interface Operation {
  schema: GraphQLSchema;
  parse(query: string): DocumentNode;
  validate(schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[];
  contextFactory(): unknown;
  execute(args: ExecutionArgs): ReturnType<typeof execute>;
  subscribe(args: ExecutionArgs): ReturnType<typeof subscribe>;
}

export type OperationOpener = (initial: ServerContext & { params: OperationParams }) => Operation;

/** What is to be executed, or what validation has against it. Throws what parsing and the context throw. */
export async function prepare(
  operation: Operation,
  { query, variables, operationName }: OperationParams,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  const { schema } = operation;
  const document = operation.parse(query);
  const errors = operation.validate(schema, document);
  if (errors.length > 0) return errors;
  return {
    schema,
    document,
    contextValue: await operation.contextFactory(),
    ...(variables && { variableValues: variables }),
    ...(operationName !== undefined && { operationName }),
  };
}
