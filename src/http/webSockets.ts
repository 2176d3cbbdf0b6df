/** GraphQL over WebSocket, protocol graphql-transport-ws. */
import type { IncomingMessage, Server } from 'node:http';
import {
  GraphQLError,
  type DocumentNode,
  type execute,
  type ExecutionArgs,
  type GraphQLSchema,
  type subscribe,
} from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { isLoopbackHost, isOwnOrigin } from './origin.ts';

/** The largest frame taken from a client, in bytes. */
const MAX_FRAME = 256 * 1024;
/** How long clients have to answer the closing before they are cut off, in milliseconds. */
const CLOSE_GRACE = 2_000;

export interface WebSockets {
  /** Tells every client that the server goes away (1001), and cuts off those that do not answer. */
  close(): Promise<void>;
}

export interface ServerContext {
  req: IncomingMessage;
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

export type OperationOpener = (initial: {
  req: IncomingMessage;
  request: Request;
  params: { query: string; variables?: Record<string, unknown>; operationName?: string };
}) => Operation;

export function attachWebSockets(server: Server, path: string, open: OperationOpener): WebSockets {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_FRAME });
  server.on('upgrade', (request, socket, head) => {
    const refusal = refusalOf(request, path);
    if (refusal === null) {
      sockets.handleUpgrade(request, socket, head, (accepted) =>
        sockets.emit('connection', accepted, request),
      );
    } else {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
  });
  const operations = new WeakMap<ExecutionArgs, Operation>();
  const operationOf = (args: ExecutionArgs) => {
    const operation = operations.get(args);
    if (!operation) throw new Error('An operation was executed that had not been subscribed to');
    return operation;
  };

  const connections = useServer(
    {
      execute: (args) => operationOf(args).execute(args),
      subscribe: (args) => operationOf(args).subscribe(args),
      // Returned errors answer this operation alone; a thrown one would close the socket with all others on it.
      onSubscribe: async ({ extra }, _id, { query, variables, operationName }) => {
        const params = { query, ...(variables && { variables }), ...(operationName && { operationName }) };
        const request = new Request(`http://${extra.request.headers.host ?? 'localhost'}${path}`);
        const operation = open({ req: extra.request, request, params });
        try {
          const document = operation.parse(query);
          const errors = operation.validate(operation.schema, document);
          if (errors.length > 0) return errors;
          const args: ExecutionArgs = {
            schema: operation.schema,
            document,
            contextValue: await operation.contextFactory(),
            ...(variables && { variableValues: variables }),
            ...(operationName && { operationName }),
          };
          operations.set(args, operation);
          return args;
        } catch (error) {
          return [
            error instanceof GraphQLError ? error : new GraphQLError('The operation could not be read.'),
          ];
        }
      },
    },
    sockets,
  );

  return {
    async close() {
      const cutOff = setTimeout(() => {
        for (const client of sockets.clients) client.terminate();
      }, CLOSE_GRACE);
      await connections.dispose();
      clearTimeout(cutOff);
      sockets.close();
    },
  };
}

function refusalOf(request: IncomingMessage, path: string): string | null {
  if (!isLoopbackHost(request) || !isOwnOrigin(request)) return '403 Forbidden';
  return (request.url ?? '').split('?')[0] === path ? null : '404 Not Found';
}
