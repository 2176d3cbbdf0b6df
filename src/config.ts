/** The server's only reader of the environment. */
import { z } from 'zod';
import { ruleOf } from './services/plainWords.ts';
import { variables } from './variables.ts';

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

const environmentSchema = z.object({
  HOST: variables.HOST.schema,
  PORT: variables.PORT.schema,
  PUBLIC_URL: variables.PUBLIC_URL.schema,
  AUTH: variables.AUTH.schema,
  NODE_ENV: variables.NODE_ENV.schema,
  JWT_ISSUER: variables.JWT_ISSUER.schema,
  JWT_AUDIENCE: variables.JWT_AUDIENCE.schema,
  JWT_JWKS_URL: variables.JWT_JWKS_URL.schema,
  JWT_ALGORITHMS: variables.JWT_ALGORITHMS.schema,
  JWT_TENANT_CLAIM: variables.JWT_TENANT_CLAIM.schema,
  JWT_ROLE_CLAIM: variables.JWT_ROLE_CLAIM.schema,
  DATABASE_URL: variables.DATABASE_URL.schema,
  DATABASE_POOL_SIZE: variables.DATABASE_POOL_SIZE.schema,
  REDIS_URL: variables.REDIS_URL.schema,
  RESPONSE_CACHE: variables.RESPONSE_CACHE.schema,
  RESPONSE_CACHE_MAX_BYTES: variables.RESPONSE_CACHE_MAX_BYTES.schema,
  RESPONSE_CACHE_MAX_AGE_SECONDS: variables.RESPONSE_CACHE_MAX_AGE_SECONDS.schema,
  DATA_DIR: variables.DATA_DIR.schema,
  EXPORT_DIR: variables.EXPORT_DIR.schema,
  S3_BUCKET: variables.S3_BUCKET.schema,
  S3_REGION: variables.S3_REGION.schema,
  S3_ENDPOINT: variables.S3_ENDPOINT.schema,
  S3_PATH_STYLE: variables.S3_PATH_STYLE.schema,
  S3_PREFIX: variables.S3_PREFIX.schema,
  S3_ACCESS_KEY_ID: variables.S3_ACCESS_KEY_ID.schema,
  S3_SECRET_ACCESS_KEY: variables.S3_SECRET_ACCESS_KEY.schema,
  DOWNLOAD_SECRET: variables.DOWNLOAD_SECRET.schema,
  OPENAI_API_KEY: variables.OPENAI_API_KEY.schema,
  OPENAI_BASE_URL: variables.OPENAI_BASE_URL.schema,
  OPENAI_WEBHOOK_SECRET: variables.OPENAI_WEBHOOK_SECRET.schema,
  SANDBOX_SPEED: variables.SANDBOX_SPEED.schema,
  POLL_CRON: variables.POLL_CRON.schema,
  RECONCILE_SECONDS: variables.RECONCILE_SECONDS.schema,
  REVIEW_LEASE_SECONDS: variables.REVIEW_LEASE_SECONDS.schema,
  METRICS_TOKEN: variables.METRICS_TOKEN.schema,
  OTEL_EXPORTER_OTLP_ENDPOINT: variables.OTEL_EXPORTER_OTLP_ENDPOINT.schema,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: variables.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT.schema,
  DRAIN_SECONDS: variables.DRAIN_SECONDS.schema,
  ALLOWED_HOSTS: variables.ALLOWED_HOSTS.schema,
  CORS_ORIGINS: variables.CORS_ORIGINS.schema,
  INTROSPECTION: variables.INTROSPECTION.schema,
  GRAPHIQL: variables.GRAPHIQL.schema,
  GRAPHQL_MAX_BODY_BYTES: variables.GRAPHQL_MAX_BODY_BYTES.schema,
  GRAPHQL_MAX_TOKENS: variables.GRAPHQL_MAX_TOKENS.schema,
  GRAPHQL_MAX_DEPTH: variables.GRAPHQL_MAX_DEPTH.schema,
  GRAPHQL_MAX_ALIASES: variables.GRAPHQL_MAX_ALIASES.schema,
  GRAPHQL_MAX_DIRECTIVES: variables.GRAPHQL_MAX_DIRECTIVES.schema,
  GRAPHQL_MAX_COMPLEXITY: variables.GRAPHQL_MAX_COMPLEXITY.schema,
  RATE_LIMIT_PER_MINUTE: variables.RATE_LIMIT_PER_MINUTE.schema,
  QUERY_TIMEOUT_SECONDS: variables.QUERY_TIMEOUT_SECONDS.schema,
  STATEMENT_TIMEOUT_SECONDS: variables.STATEMENT_TIMEOUT_SECONDS.schema,
  MUTATION_TIMEOUT_SECONDS: variables.MUTATION_TIMEOUT_SECONDS.schema,
  IMPORT_MAX_BYTES: variables.IMPORT_MAX_BYTES.schema,
  SOCKET_MAX_OPERATIONS: variables.SOCKET_MAX_OPERATIONS.schema,
  SOCKET_MAX_FRAME_BYTES: variables.SOCKET_MAX_FRAME_BYTES.schema,
  SOCKETS_PER_PRINCIPAL: variables.SOCKETS_PER_PRINCIPAL.schema,
  LOG_LEVEL: variables.LOG_LEVEL.schema,
});

const configSchema = environmentSchema
  .refine(
    ({ REDIS_URL, DATABASE_URL }) => REDIS_URL === undefined || DATABASE_URL !== undefined,
    beside(
      'REDIS_URL',
      ['DATABASE_URL'],
      'needs DATABASE_URL as well: the embedded database has one process, and a bus of its own',
    ),
  )
  .refine(
    ({ RESPONSE_CACHE, REDIS_URL }) => RESPONSE_CACHE !== 'redis' || REDIS_URL !== undefined,
    beside('RESPONSE_CACHE', ['REDIS_URL'], 'needs REDIS_URL as well where it is redis'),
  )
  .refine(
    ({ S3_BUCKET, EXPORT_DIR }) => S3_BUCKET === undefined || EXPORT_DIR === undefined,
    beside(
      'S3_BUCKET',
      ['EXPORT_DIR'],
      'cannot be set together with EXPORT_DIR: exported files lie in one place',
    ),
  )
  .refine(
    ({ S3_BUCKET, S3_ENDPOINT, S3_ACCESS_KEY_ID }) =>
      S3_BUCKET !== undefined || (S3_ENDPOINT ?? S3_ACCESS_KEY_ID) === undefined,
    beside('S3_BUCKET', ['S3_ENDPOINT', 'S3_ACCESS_KEY_ID'], 'must be set where other variables of S3 are'),
  )
  .refine(
    ({ S3_ACCESS_KEY_ID: id, S3_SECRET_ACCESS_KEY: secret }) => (id === undefined) === (secret === undefined),
    beside(
      'S3_ACCESS_KEY_ID',
      ['S3_SECRET_ACCESS_KEY'],
      'and S3_SECRET_ACCESS_KEY are set together or not at all',
    ),
  )
  .refine(
    ({ AUTH, HOST, NODE_ENV }) => AUTH !== 'development' || (LOOPBACK.has(HOST) && NODE_ENV !== 'production'),
    beside(
      'AUTH',
      ['HOST', 'NODE_ENV'],
      'must be `required` where NODE_ENV is production or HOST is not 127.0.0.1, ::1 or localhost: whoever reaches the server could spend money',
    ),
  )
  .refine(
    ({ JWT_ISSUER, JWT_JWKS_URL }) => [JWT_ISSUER, JWT_JWKS_URL].every(isPrivate),
    beside(
      'JWT_ISSUER',
      ['JWT_JWKS_URL'],
      'must be an https address, as JWT_JWKS_URL must: whoever can change what comes over http could sign in as anybody',
    ),
  )
  .refine(
    ({ JWT_ISSUER, JWT_AUDIENCE }) => (JWT_ISSUER === undefined) === (JWT_AUDIENCE === undefined),
    beside('JWT_AUDIENCE', ['JWT_ISSUER'], 'must be set together with JWT_ISSUER'),
  );

/** A rule on several variables: told together with the other faults; where one of them itself is at fault, that is enough. */
function beside(name: string, others: string[], error: string) {
  return {
    path: [name],
    error,
    when: ({ issues }: { issues: readonly { path?: PropertyKey[] | undefined }[] }) =>
      !issues.some(({ path }) => [name, ...others].includes(String(path?.[0]))),
  };
}

/** Nobody on the way can change what comes from there. */
function isPrivate(url: string | undefined): boolean {
  if (url === undefined) return true;
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || LOOPBACK.has(hostname);
}

/** Whether only those are served who sign in. */
export function requiresCredentials({ AUTH, HOST, NODE_ENV, JWT_ISSUER }: Config): boolean {
  if (AUTH !== undefined) return AUTH === 'required';
  return !LOOPBACK.has(HOST) || NODE_ENV === 'production' || JWT_ISSUER !== undefined;
}

/** What those who try things out get where no one has to sign in, unless said; with GraphiQL the schema, which is its docs. */
export function tools(config: Config): { graphiql: boolean; introspection: boolean } {
  const isOpen = !requiresCredentials(config);
  const { GRAPHIQL: graphiql = isOpen, INTROSPECTION: introspection = isOpen || graphiql } = config;
  return { graphiql, introspection };
}

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
