import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig, requiresCredentials, tools } from '../src/config.ts';
import { variables } from '../src/variables.ts';

const faultsOf = (environment: NodeJS.ProcessEnv): string => {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('The configuration was accepted');
};

test('nothing needs to be set', () => {
  expect(readConfig({})).toMatchObject({
    HOST: '127.0.0.1',
    PORT: 4000,
    DATA_DIR: '.data',
    LOG_LEVEL: 'info',
    SANDBOX_SPEED: 1,
  });
  expect(readConfig({ PORT: ' ', DATABASE_URL: '', OPENAI_API_KEY: '' })).toEqual(readConfig({}));
});

test('every fault is told at once, with the variable’s name and what it is for', () => {
  const message = faultsOf({
    AUTH: 'perhaps',
    PORT: '65536',
    DATABASE_URL: 'mysql://x',
    DOWNLOAD_SECRET: 'short',
    POLL_CRON: 'often',
    LOG_LEVEL: 'loud',
    SANDBOX_SPEED: '0',
    DATABASE_POOL_SIZE: '1.5',
    PUBLIC_URL: 'ftp://x',
  });
  for (const name of [
    'AUTH',
    'PORT',
    'DATABASE_URL',
    'DOWNLOAD_SECRET',
    'POLL_CRON',
    'LOG_LEVEL',
    'SANDBOX_SPEED',
    'DATABASE_POOL_SIZE',
    'PUBLIC_URL',
  ] as const) {
    expect(message).toMatch(new RegExp(`^  ${name}: `, 'm'));
    expect(message).toContain(variables[name].about);
  }
});

test('Redis only together with a PostgreSQL server, which is told beside other faults', () => {
  const REDIS_URL = 'redis://localhost';
  const DATABASE_URL = 'postgres://u:p@h/d';
  expect(readConfig({ REDIS_URL, DATABASE_URL })).toMatchObject({ REDIS_URL });
  expect(faultsOf({ REDIS_URL, PORT: 'x' })).toMatch(
    / {2}PORT: [^]* {2}REDIS_URL: needs DATABASE_URL as well/,
  );
  expect(faultsOf({ REDIS_URL: 'x' })).not.toContain('needs DATABASE_URL');
  expect(faultsOf({ REDIS_URL, DATABASE_URL: 'x' })).not.toContain('needs DATABASE_URL');
});

test.each(['redis://h', 'redis://h:6380/', 'rediss://u:p@h:6380/2', 'redis://:p@[::1]'])(
  'REDIS_URL may be %s',
  (REDIS_URL) => {
    expect(readConfig({ REDIS_URL, DATABASE_URL: 'postgres://h/d' })).toMatchObject({ REDIS_URL });
  },
);

test.each(['http://h', 'redis://', 'redis://h/name', 'redis://h/0?x=1', 'localhost:6379', 'redis://h:99999'])(
  'REDIS_URL may not be %s',
  (REDIS_URL) => {
    expect(faultsOf({ REDIS_URL, DATABASE_URL: 'postgres://h/d' })).toContain(
      'REDIS_URL: must be a URL such as',
    );
  },
);

describe('who is served', () => {
  const jwt = { JWT_ISSUER: 'https://login.example.com/', JWT_AUDIENCE: 'tunesmith' };

  test.each([
    [{}, false],
    [{ HOST: '::1' }, false],
    [{ HOST: '0.0.0.0' }, true],
    [{ NODE_ENV: 'production' }, true],
    [jwt, true],
    [{ ...jwt, AUTH: 'development' }, false],
    [{ AUTH: 'required' }, true],
  ])('%j: only who signs in: %s', (environment, required) => {
    expect(requiresCredentials(readConfig(environment))).toBe(required);
  });

  test.each([
    [{ AUTH: 'development', HOST: '0.0.0.0' }, 'AUTH: must be `required`'],
    [{ AUTH: 'development', NODE_ENV: 'production' }, 'AUTH: must be `required`'],
    [{ JWT_ISSUER: jwt.JWT_ISSUER }, 'JWT_AUDIENCE: must be set together with JWT_ISSUER'],
    [{ JWT_AUDIENCE: 'x' }, 'JWT_AUDIENCE: must be set together with JWT_ISSUER'],
    [{ ...jwt, JWT_ISSUER: 'http://login.example.com/' }, 'JWT_ISSUER: must be an https address'],
    [{ ...jwt, JWT_JWKS_URL: 'http://login.example.com/keys' }, 'JWT_ISSUER: must be an https address'],
  ])('%j is a fault', (environment, fault) => {
    expect(faultsOf(environment)).toContain(fault);
  });
});

describe('GraphiQL and the schema are there', () => {
  const signedIn = { AUTH: 'required' };
  test.each([
    [{}, { graphiql: true, introspection: true }],
    [signedIn, { graphiql: false, introspection: false }],
    // Otherwise its docs would be empty.
    [
      { ...signedIn, GRAPHIQL: 'true' },
      { graphiql: true, introspection: true },
    ],
    [
      { ...signedIn, GRAPHIQL: 'true', INTROSPECTION: 'false' },
      { graphiql: true, introspection: false },
    ],
    [
      { ...signedIn, INTROSPECTION: 'true' },
      { graphiql: false, introspection: true },
    ],
    [{ GRAPHIQL: 'false' }, { graphiql: false, introspection: true }],
  ])('in %j: %j', (environment, expected) => {
    expect(tools(readConfig(environment))).toEqual(expected);
  });
});

describe('each variable', () => {
  test.each([
    ['PORT', '0', 0],
    ['PORT', '65535', 65_535],
    ['HOST', 'localhost', 'localhost'],
    ['HOST', '::1', '::1'],
    ['DATABASE_URL', 'postgresql://u:p@h/d', 'postgresql://u:p@h/d'],
    ['POLL_CRON', '*/10 * * * * *', '*/10 * * * * *'],
    ['SANDBOX_SPEED', '1000', 1000],
  ] as const)('%s may be %s', (name, text, value) => {
    expect(readConfig({ [name]: text })[name]).toBe(value);
  });

  test.each([
    ['PORT', '-1'],
    ['PORT', 'http'],
    ['JWT_ALGORITHMS', 'RS256,HS256'],
    ['JWT_ALGORITHMS', 'none'],
    ['JWT_ISSUER', 'login.example.com'],
    ['DATABASE_URL', 'localhost'],
    ['DOWNLOAD_SECRET', 'x'.repeat(31)],
    ['OPENAI_BASE_URL', 'no url'],
    ['SANDBOX_SPEED', '-1'],
  ] as const)('%s may not be %s', (name, text) => {
    expect(faultsOf({ [name]: text })).toContain(`${name}: `);
  });

  test.each([
    ['x'.repeat(32), [['default', 'x'.repeat(32)]]],
    ['with:colon'.repeat(4), [['with', 'with:colon'.repeat(4).slice(5)]]],
    ['a,b'.repeat(11), [['default', 'a,b'.repeat(11)]]],
    [
      `new:${'n'.repeat(32)}, old-1:${'o'.repeat(40)}`,
      [
        ['new', 'n'.repeat(32)],
        ['old-1', 'o'.repeat(40)],
      ],
    ],
  ])('DOWNLOAD_SECRET may be %s', (text, keys) => {
    const read = readConfig({ DOWNLOAD_SECRET: text }).DOWNLOAD_SECRET ?? [];
    expect(read.map(({ kid, secret }) => [kid, secret.toString()])).toEqual(keys);
  });

  test.each([
    [`a:${'x'.repeat(31)}`, 'at least 32 characters'],
    [`a:${'x'.repeat(32)},b:short`, 'at least 32 characters'],
    [`a:${'x'.repeat(32)},${'y'.repeat(32)}`, 'with a name for each'],
    [`a:${'x'.repeat(32)},`, 'with a name for each'],
    [`a:${'x'.repeat(32)},a:${'y'.repeat(32)}`, 'must not name two secrets alike'],
  ])('DOWNLOAD_SECRET may not be %s', (text, rule) => {
    expect(faultsOf({ DOWNLOAD_SECRET: text })).toMatch(new RegExp(`DOWNLOAD_SECRET: .*${rule}`));
  });

  test('a bucket comes whole or not at all', () => {
    const S3_BUCKET = 'exports';
    expect(readConfig({ S3_BUCKET, S3_PATH_STYLE: 'true' })).toMatchObject({
      S3_BUCKET,
      S3_REGION: 'us-east-1',
      S3_PATH_STYLE: true,
      S3_PREFIX: '',
    });
    expect(faultsOf({ S3_BUCKET, EXPORT_DIR: '/x' })).toContain('S3_BUCKET: cannot be set together');
    expect(faultsOf({ S3_ENDPOINT: 'http://127.0.0.1:9000' })).toContain('S3_BUCKET: must be set');
    expect(faultsOf({ S3_BUCKET, S3_ACCESS_KEY_ID: 'a' })).toContain('S3_ACCESS_KEY_ID: and S3_SECRET');
    expect(faultsOf({ S3_BUCKET, S3_PATH_STYLE: 'perhaps' })).toContain(
      'S3_PATH_STYLE: must be true or false',
    );
  });

  test('a secret is not repeated in what is said about it', () => {
    expect(
      faultsOf({ DOWNLOAD_SECRET: 'hunter2', DATABASE_URL: 'mysql://me:hunter2@host/db' }),
    ).not.toContain('hunter2');
  });
});

const example = new URL('../.env.example', import.meta.url);

test.runIf(existsSync(example))('.env.example lists exactly the variables that there are', () => {
  const listed = readFileSync(example, 'utf8')
    .match(/^#? ?([A-Z][A-Z0-9_]*)=/gm)
    ?.map((line) => line.replace(/[#= ]/g, ''));
  expect(listed?.toSorted()).toEqual(Object.keys(variables).toSorted());
});
