/** The variables that say how much a client may ask for; docs/limits.md has the answers of each. */
import { DEFAULT_LIMITS } from './http/limits/limits.ts';
import { integer } from './variableKinds.ts';

export const limitVariables = {
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
  SOCKET_MAX_OPERATIONS: {
    about: 'How many operations a WebSocket may have under way at once.',
    schema: integer(1, 100_000).default(DEFAULT_LIMITS.socketOperations),
  },
} as const;
