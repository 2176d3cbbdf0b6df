/** The variables that say how much a client may ask for; docs/limits.md has the answers of each. */
import { z } from 'zod';
import { DEFAULT_LIMITS } from './http/limits/limits.ts';
import { integer, text } from './variableKinds.ts';

const listOf = (isGood: (entry: string) => boolean, error: string) =>
  text
    .transform((list) => list.split(',').map((entry) => entry.trim()))
    .pipe(z.array(z.string().refine(isGood, error)))
    .default([]);

export const limitVariables = {
  ALLOWED_HOSTS: {
    about:
      'Names under which the server may be called besides localhost, the name in PUBLIC_URL and HOST, without ports, with commas between.',
    schema: listOf(
      (name) => /^(\[[0-9a-f:]+\]|[a-z0-9.-]+)$/i.test(name),
      'must be names such as tunesmith.example.com or 10.0.0.5, without ports, with commas between',
    ),
  },
  CORS_ORIGINS: {
    about:
      'The sites whose pages may use the server, over WebSocket as well, such as https://app.example.com, with commas between. None when left out.',
    schema: listOf(
      (origin) => /^https?:/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin,
      'must be origins such as https://app.example.com, without paths, with commas between',
    ),
  },
  INTROSPECTION: {
    about:
      'Whether clients may ask for the schema: true or false. When left out, only where no one has to sign in (AUTH), or where GRAPHIQL is true.',
    schema: z.stringbool({ error: 'must be true or false' }).optional(),
  },
  GRAPHIQL: {
    about:
      'Whether browsers get GraphiQL at /graphql: true or false. When left out, only where no one has to sign in (AUTH). Its docs are empty where INTROSPECTION is false.',
    schema: z.stringbool({ error: 'must be true or false' }).optional(),
  },
  GRAPHQL_MAX_BODY_BYTES: {
    about: 'How many bytes the body of a GraphQL request may have.',
    schema: integer(1_000, 100_000_000).default(DEFAULT_LIMITS.bodyBytes),
  },
  GRAPHQL_MAX_TOKENS: {
    about: 'How many tokens (names, values, punctuation) the text of an operation may have.',
    schema: integer(100, 1_000_000).default(DEFAULT_LIMITS.tokens),
  },
  GRAPHQL_MAX_DEPTH: {
    about: 'How many levels deep an operation may ask.',
    schema: integer(1, 1_000).default(DEFAULT_LIMITS.depth),
  },
  GRAPHQL_MAX_ALIASES: {
    about: 'How many aliases an operation may have, those of a fragment counted at each spread.',
    schema: integer(0, 100_000).default(DEFAULT_LIMITS.aliases),
  },
  GRAPHQL_MAX_DIRECTIVES: {
    about: 'How many directives an operation may have, those of a fragment counted at each spread.',
    schema: integer(0, 100_000).default(DEFAULT_LIMITS.directives),
  },
  GRAPHQL_MAX_COMPLEXITY: {
    about:
      'How many fields an operation may be answered with at most: pages and lists multiply what is inside them.',
    schema: integer(100, 1_000_000_000).default(DEFAULT_LIMITS.complexity),
  },
  RATE_LIMIT_PER_MINUTE: {
    about:
      'How many requests and operations over WebSocket each who signs in may send in a minute, at once or spread; each process counts for itself.',
    schema: integer(1, 1_000_000_000).default(DEFAULT_LIMITS.requestsPerMinute),
  },
  QUERY_TIMEOUT_SECONDS: {
    about: 'How many seconds a query may take.',
    schema: integer(1, 86_400).default(DEFAULT_LIMITS.querySeconds),
  },
  STATEMENT_TIMEOUT_SECONDS: {
    about:
      'How many seconds PostgreSQL may work on one statement of a query; the embedded database does not look.',
    schema: integer(1, 86_400).default(30),
  },
  MUTATION_TIMEOUT_SECONDS: {
    about:
      'How many seconds the answer of a mutation is waited for; the work goes on. Collecting, exporting and looking for duplicates take minutes in large datasets.',
    schema: integer(1, 86_400).default(DEFAULT_LIMITS.mutationSeconds),
  },
  IMPORT_MAX_BYTES: {
    about: 'How many bytes a file that is sent to /import may have.',
    schema: integer(1_000, 1_000_000_000_000_000).default(DEFAULT_LIMITS.importBytes),
  },
  SOCKET_MAX_OPERATIONS: {
    about: 'How many operations a WebSocket may have under way at once.',
    schema: integer(1, 100_000).default(DEFAULT_LIMITS.socketOperations),
  },
  SOCKET_MAX_FRAME_BYTES: {
    about: 'How many bytes a message over WebSocket may have: an operation with its variables.',
    schema: integer(1_000, 100_000_000).default(DEFAULT_LIMITS.frameBytes),
  },
  SOCKETS_PER_PRINCIPAL: {
    about:
      'How many WebSockets and event streams, counted together, each who signs in may hold at once; each process counts for itself.',
    schema: integer(1, 1_000_000).default(DEFAULT_LIMITS.socketsPerPrincipal),
  },
} as const;
