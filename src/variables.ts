/** The environment variables, with what each is for; .env.example and README.md repeat it. src/config.ts reads them. */
import cron from 'node-cron';
import { DEFAULT_CACHE } from './http/responseCache.ts';
import { z } from 'zod';
import { SIGNATURE_ALGORITHMS } from './http/signatureAlgorithms.ts';
import { limitVariables } from './limitVariables.ts';
import { parseDownloadKeys } from './services/downloadKeys.ts';
import { integer, text } from './variableKinds.ts';

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
      'The address to listen on: 127.0.0.1 for this machine alone, 0.0.0.0 for all networks, which AUTH must then guard.',
    schema: text.default('127.0.0.1'),
  },
  PORT: { about: 'The port to listen on; 0 for any free one.', schema: integer(0, 65_535).default(4000) },
  PUBLIC_URL: {
    about: 'The address under which clients reach the server, for links; http://HOST:PORT when left out.',
    schema: z.url({ protocol: /^https?$/ }).optional(),
  },
  AUTH: {
    about:
      'Who is served: `required`, only who signs in; `development`, also who does not, as an admin of the default tenant, on loopback alone. Required when left out and HOST is not loopback, NODE_ENV is production, or JWT_ISSUER is set.',
    schema: z.enum(['required', 'development']).optional(),
  },
  NODE_ENV: {
    about: 'The kind of environment; with `production` AUTH is required unless it says otherwise.',
    schema: text.optional(),
  },
  JWT_ISSUER: {
    about:
      'The OpenID provider whose access tokens are taken, as their claim `iss` says it, such as https://login.example.com/. None are taken without it.',
    schema: z.url({ protocol: /^https?$/ }).optional(),
  },
  JWT_AUDIENCE: {
    about: 'What the tokens must be for, their claim `aud`. Needed with JWT_ISSUER.',
    schema: text.min(1).optional(),
  },
  JWT_JWKS_URL: {
    about: 'Where the provider’s public keys are; found by its discovery document when left out.',
    schema: z.url({ protocol: /^https?$/ }).optional(),
  },
  JWT_ALGORITHMS: {
    about:
      'How tokens may be signed, with commas between. Only signatures that need the provider’s private key.',
    schema: text
      .default('RS256,ES256')
      .transform((list) => list.split(',').map((name) => name.trim()))
      .pipe(
        z.array(
          z.enum(
            SIGNATURE_ALGORITHMS,
            `must be some of ${SIGNATURE_ALGORITHMS.join(', ')}, with commas between`,
          ),
        ),
      ),
  },
  JWT_TENANT_CLAIM: {
    about:
      'The claim that names the tenant, by its id or its name; a path such as `app.tenant` leads into objects.',
    schema: text.min(1).default('tenant'),
  },
  JWT_ROLE_CLAIM: {
    about:
      'The claim that names the role, or a list of which the highest counts: viewer, reviewer, editor, admin. A path as above.',
    schema: text.min(1).default('role'),
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
  RESPONSE_CACHE: {
    about:
      'Where answers to queries are kept until what they tell changes: memory, each process for itself; redis, on the server of REDIS_URL, for all replicas; or off.',
    schema: z.enum(['memory', 'redis', 'off'], 'must be memory, redis or off').default('memory'),
  },
  RESPONSE_CACHE_MAX_BYTES: {
    about:
      'How many bytes the answers that a process keeps in memory may take; those asked for the longest ago go first.',
    schema: integer(1_000_000, 10_000_000_000).default(DEFAULT_CACHE.maxBytes),
  },
  RESPONSE_CACHE_MAX_AGE_SECONDS: {
    about: 'How long an answer is kept at most, should a change have gone unheard.',
    schema: integer(1, 3_600).default(DEFAULT_CACHE.maxAgeSeconds),
  },
  DATA_DIR: {
    about: 'Where the embedded database, exports and the sandbox keep their files.',
    schema: text.default('.data'),
  },
  EXPORT_DIR: {
    about: 'Where exported files lie; DATA_DIR/exports when left out. Replicas share it.',
    schema: text.optional(),
  },
  S3_BUCKET: {
    about:
      'A bucket of S3, or of a server that speaks its protocol, where exported files lie in place of EXPORT_DIR.',
    schema: text.optional(),
  },
  S3_REGION: { about: 'The region of S3_BUCKET.', schema: text.default('us-east-1') },
  S3_ENDPOINT: {
    about: 'Another server that speaks S3’s protocol; Amazon’s own when left out.',
    schema: z.url({ protocol: /^https?$/ }).optional(),
  },
  S3_PATH_STYLE: {
    about:
      'Whether the bucket is named in the path (true) rather than in the host; most servers other than Amazon’s want that.',
    schema: z.stringbool({ error: 'must be true or false' }).default(false),
  },
  S3_PREFIX: {
    about: 'What the names of all files in S3_BUCKET begin with, for example tunesmith/.',
    schema: text.default(''),
  },
  S3_ACCESS_KEY_ID: {
    about:
      'The key to S3_BUCKET, with S3_SECRET_ACCESS_KEY; where AWS’s tools look (their variables, files, the machine’s role) when both are left out.',
    schema: text.optional(),
  },
  S3_SECRET_ACCESS_KEY: { about: 'The secret of S3_ACCESS_KEY_ID.', schema: text.optional() },
  DOWNLOAD_SECRET: {
    about:
      'The secret that download links are signed with, at least 32 characters; the same for all replicas. Several as name:secret,name:secret: the first signs, all verify. Made and kept in DATA_DIR when left out.',
    schema: text.transform(parseDownloadKeys).optional(),
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
  METRICS_TOKEN: {
    about:
      'What Prometheus sends as a bearer token to read /metrics, at least 24 characters. Without it only this machine may, and not through a proxy.',
    schema: text.min(24, 'must have at least 24 characters').optional(),
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    about:
      'Where OpenTelemetry’s collector takes traces over HTTP, such as http://127.0.0.1:4318; nothing is traced when left out. The SDK’s other variables hold as well.',
    schema: z.url({ protocol: /^https?$/ }).optional(),
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    about: 'The same with its whole path, such as http://127.0.0.1:4318/v1/traces; it goes before the other.',
    schema: z.url({ protocol: /^https?$/ }).optional(),
  },
  DRAIN_SECONDS: {
    about:
      'For how many seconds after SIGTERM everything is still served while /health/ready says 503, so that load balancers send nobody here any more.',
    schema: integer(0, 300).default(0),
  },
  ...limitVariables,
  LOG_LEVEL: {
    about: 'What is logged: trace, debug, info, warn, error, fatal or silent.',
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  },
} as const;
