/** The server's only reader of the environment. Every variable is described here; .env.example and the README repeat it. */
import cron from 'node-cron';
import { z } from 'zod';
import { DEFAULT_LIMITS } from './http/limits/limits.ts';
import { ruleOf } from './services/plainWords.ts';

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

const text = z.string().trim();
const integer = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z.coerce.number(error).int(error).min(min, error).max(max, error);
};
const cronPattern = text.refine(
  (pattern) => cron.validate(pattern),
  'must be a cron pattern, for example */10 * * * * *',
);

const isRedisUrl = (value: string): boolean =>
  /^rediss?:\/\/[^\s/?#]+(\/\d*)?$/.test(value) && URL.canParse(value);

/** The variables, with what each is for. An empty one counts as left out. */
export const variables = {
  HOST: {
    about:
      'The address to listen on. Loopback only: there is no authentication yet, and whoever reaches the server may spend money.',
    schema: text
      .refine(
        (host) => LOOPBACK.has(host),
        'must be 127.0.0.1, ::1 or localhost: without authentication the server may not be reachable from elsewhere',
      )
      .default('127.0.0.1'),
  },
  PORT: { about: 'The port to listen on; 0 for any free one.', schema: integer(0, 65_535).default(4000) },
  PUBLIC_URL: {
    about: 'The address under which clients reach the server, for links; http://HOST:PORT when left out.',
    schema: z.url({ protocol: /^https?$/ }).optional(),
  },
  DATABASE_URL: {
    about:
      'A PostgreSQL server, version 15 or later: postgres://user:password@host/database. Without it the database is embedded in DATA_DIR.',
    schema: z
      .url({
        protocol: /^postgres(ql)?$/,
        error: 'must be a URL such as postgres://user:password@host/database',
      })
      .optional(),
  },
  DATABASE_POOL_SIZE: {
    about: 'How many connections to the PostgreSQL server may be open at once.',
    schema: integer(2, 1000).default(10),
  },
  REDIS_URL: {
    about:
      'A Redis server that carries wake-ups between replicas in place of LISTEN and NOTIFY: redis://user:password@host:6379, rediss:// with TLS. Only together with DATABASE_URL.',
    schema: text
      .refine(isRedisUrl, 'must be a URL such as redis://user:password@host:6379, with rediss:// for TLS')
      .optional(),
  },
  DATA_DIR: {
    about: 'Where the embedded database, exports and the sandbox keep their files.',
    schema: text.default('.data'),
  },
  EXPORT_DIR: {
    about: 'Where exported files lie; DATA_DIR/exports when left out. Replicas share it.',
    schema: text.optional(),
  },
  DOWNLOAD_SECRET: {
    about:
      'The secret that download links are signed with, at least 32 characters; the same for all replicas. Made and kept in DATA_DIR when left out.',
    schema: text.min(32, 'must have at least 32 characters').optional(),
  },
  OPENAI_API_KEY: {
    about:
      'The key to OpenAI. Without it the sandbox stands in, which trains nothing real and charges nothing.',
    schema: text.optional(),
  },
  OPENAI_BASE_URL: {
    about: 'Another server that speaks OpenAI’s API; OpenAI’s own when left out.',
    schema: z.url({ protocol: /^https?$/ }).optional(),
  },
  OPENAI_WEBHOOK_SECRET: {
    about:
      'What OpenAI’s webhooks to /webhooks/openai are signed with, whsec_…; without it none are taken and runs are only polled.',
    // A prefix alone would be an empty key, with which anybody can sign.
    schema: text.min(24, 'must have at least 24 characters').optional(),
  },
  SANDBOX_SPEED: {
    about: 'How much faster than a demo (a job takes some seconds) the sandbox works; 1000 for no waiting.',
    schema: z.coerce.number().positive().default(1),
  },
  POLL_CRON: {
    about:
      'When the provider is asked about running jobs, as a cron pattern with seconds; every 10 s, in the sandbox every second, when left out.',
    schema: cronPattern.optional(),
  },
  RECONCILE_SECONDS: {
    about:
      'After a launch whose answer was lost, how many seconds apart the provider must list no job, twice, before the job is created again; at least as long as its list may lag.',
    schema: integer(1, 86_400).default(60),
  },
  REVIEW_LEASE_SECONDS: {
    about:
      'How long an example that a reviewer took from the queue is held for them, in seconds; asking again renews it.',
    schema: integer(10, 86_400).default(300),
  },
  GRAPHQL_MAX_BODY_BYTES: {
    about: 'How many bytes the body of a GraphQL request may have.',
    schema: integer(1000, 100000000).default(DEFAULT_LIMITS.bodyBytes),
  },
  GRAPHQL_MAX_TOKENS: {
    about: 'How many tokens (names, values, punctuation) the text of an operation may have.',
    schema: integer(100, 1000000).default(DEFAULT_LIMITS.tokens),
  },
  GRAPHQL_MAX_DEPTH: {
    about: 'How many levels deep an operation may ask.',
    schema: integer(1, 1000).default(DEFAULT_LIMITS.depth),
  },
  GRAPHQL_MAX_ALIASES: {
    about: 'How many aliases an operation may have, those of a fragment counted at each spread.',
    schema: integer(0, 100000).default(DEFAULT_LIMITS.aliases),
  },
  GRAPHQL_MAX_DIRECTIVES: {
    about: 'How many directives an operation may have, those of a fragment counted at each spread.',
    schema: integer(0, 100000).default(DEFAULT_LIMITS.directives),
  },
  GRAPHQL_MAX_COMPLEXITY: {
    about:
      'How many fields an operation may be answered with at most: pages and lists multiply what is inside them.',
    schema: integer(100, 1000000000).default(DEFAULT_LIMITS.complexity),
  },
  SOCKET_MAX_OPERATIONS: {
    about: 'How many operations a WebSocket may have under way at once.',
    schema: integer(1, 100000).default(DEFAULT_LIMITS.socketOperations),
  },
  LOG_LEVEL: {
    about: 'What is logged: trace, debug, info, warn, error, fatal or silent.',
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  },
} as const;

const environmentSchema = z.object({
  HOST: variables.HOST.schema,
  PORT: variables.PORT.schema,
  PUBLIC_URL: variables.PUBLIC_URL.schema,
  DATABASE_URL: variables.DATABASE_URL.schema,
  DATABASE_POOL_SIZE: variables.DATABASE_POOL_SIZE.schema,
  REDIS_URL: variables.REDIS_URL.schema,
  DATA_DIR: variables.DATA_DIR.schema,
  EXPORT_DIR: variables.EXPORT_DIR.schema,
  DOWNLOAD_SECRET: variables.DOWNLOAD_SECRET.schema,
  OPENAI_API_KEY: variables.OPENAI_API_KEY.schema,
  OPENAI_BASE_URL: variables.OPENAI_BASE_URL.schema,
  OPENAI_WEBHOOK_SECRET: variables.OPENAI_WEBHOOK_SECRET.schema,
  SANDBOX_SPEED: variables.SANDBOX_SPEED.schema,
  POLL_CRON: variables.POLL_CRON.schema,
  RECONCILE_SECONDS: variables.RECONCILE_SECONDS.schema,
  REVIEW_LEASE_SECONDS: variables.REVIEW_LEASE_SECONDS.schema,
  GRAPHQL_MAX_BODY_BYTES: variables.GRAPHQL_MAX_BODY_BYTES.schema,
  GRAPHQL_MAX_TOKENS: variables.GRAPHQL_MAX_TOKENS.schema,
  GRAPHQL_MAX_DEPTH: variables.GRAPHQL_MAX_DEPTH.schema,
  GRAPHQL_MAX_ALIASES: variables.GRAPHQL_MAX_ALIASES.schema,
  GRAPHQL_MAX_DIRECTIVES: variables.GRAPHQL_MAX_DIRECTIVES.schema,
  GRAPHQL_MAX_COMPLEXITY: variables.GRAPHQL_MAX_COMPLEXITY.schema,
  SOCKET_MAX_OPERATIONS: variables.SOCKET_MAX_OPERATIONS.schema,
  LOG_LEVEL: variables.LOG_LEVEL.schema,
});

const configSchema = environmentSchema.refine(
  ({ REDIS_URL, DATABASE_URL }) => REDIS_URL === undefined || DATABASE_URL !== undefined,
  {
    path: ['REDIS_URL'],
    error: 'needs DATABASE_URL as well: the embedded database has one process, and a bus of its own',
    // Told together with the other faults; where one of the two itself is at fault, that is enough.
    when: ({ issues }) =>
      !issues.some(({ path }) => ['DATABASE_URL', 'REDIS_URL'].includes(String(path?.[0]))),
  },
);

export type Config = z.output<typeof environmentSchema>;

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the configuration. Throws ConfigError with all faults at once, each with what the variable is for. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim() !== ''));
  const result = configSchema.safeParse(given, { error: ruleOf }); // The rule alone: values may be secret.
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => {
    const name = Object.keys(variables).find((variable) => variable === path[0]);
    const about = Object.entries(variables).find(([variable]) => variable === name)?.[1].about ?? '';
    return `  ${name}: ${message}\n    ${about}`;
  });
  throw new ConfigError(`The configuration is at fault:\n${faults.join('\n')}`);
}
