/** Who is let in: keys and tokens, over HTTP, server-sent events and WebSocket, on a server that wants credentials. */
import { randomUUID } from 'node:crypto';
import { exportSPKI, importJWK, generateKeyPair, UnsecuredJWT } from 'jose';
import { createClient as createSocketClient } from 'graphql-ws';
import WebSocket from 'ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureTenant, findTenant } from '../src/db/tenants.ts';
import { createAccessTokens } from '../src/http/accessTokens.ts';
import { createAuthentication } from '../src/http/authentication.ts';
import { serverViewer, type Role } from '../src/services/viewer.ts';
import { withEndlessBody } from './support/endlessBody.ts';
import { AUDIENCE, startIdentityProvider, type IdentityProvider } from './support/identityProvider.ts';
import { startTestServer, type TestServer } from './support/server.ts';

let provider: IdentityProvider;
let server: TestServer;
let tenantId: string;
let clockOffset = 0;

beforeAll(async () => {
  provider = await startIdentityProvider();
  server = await startTestServer({
    clock: { now: () => new Date(Date.now() + clockOffset) },
    authenticate: ({ apiKeys }) =>
      createAuthentication({
        apiKeys,
        accessTokens: createAccessTokens({
          issuer: provider.issuer,
          audience: AUDIENCE,
          algorithms: ['RS256'],
          tenantClaim: 'app.tenant',
          roleClaim: 'roles',
          tenantOf: (idOrName) => findTenant(server.db, idOrName),
        }),
      }),
  });
  tenantId = randomUUID();
  await ensureTenant(server.db, tenantId, `Acme ${tenantId}`);
});
afterAll(async () => {
  await server.close();
  await provider.close();
});

const tokenOptions = (issuer: string) => ({
  issuer,
  audience: AUDIENCE,
  algorithms: ['RS256'],
  tenantClaim: 'tenant',
  roleClaim: 'role',
  tenantOf: async () => tenantId,
});
const admin = () => serverViewer(tenantId, 'test');
const newKey = (role: Role = 'ADMIN', expiresAt: Date | null = null) =>
  server.system.services.apiKeys.create(admin(), { name: randomUUID(), role, expiresAt });
const token = (claims: Record<string, unknown> = {}) =>
  provider.token({ app: { tenant: tenantId }, roles: ['editor'], ...claims });

async function post(authorization?: string, body = '{"query":"{ datasets { totalCount } }"}') {
  const response = await fetch(`${server.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) },
    body,
  });
  return { status: response.status, headers: response.headers, answer: await response.text() };
}

const GOOD = { status: 200, answer: '{"data":{"datasets":{"totalCount":0}}}' };

describe('without credentials', () => {
  test.each([
    [
      'an operation',
      '/graphql',
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"query":"{ __typename }"}' },
    ],
    [
      'what is no operation',
      '/graphql',
      { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{ not even JSON' },
    ],
    ['an operation by GET', '/graphql?query={__typename}', {}],
    [
      'an event stream',
      '/graphql?query=subscription{trainingRunsUpdated{id}}',
      { headers: { accept: 'text/event-stream' } },
    ],
    [
      'an operation by what takes any type',
      '/graphql?query={__typename}',
      { headers: { accept: 'application/json, */*' } },
    ],
    [
      'an import of calls',
      '/import/call-transcriptions',
      { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'x' },
    ],
    ['an import of examples', '/import/examples/x', { method: 'POST', body: 'x' }],
  ] as [string, string, RequestInit][])('%s is answered with 401', async (_what, path, init) => {
    const response = await fetch(`${server.url}${path}`, init);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="tunesmith"');
    const code = 'UNAUTHENTICATED';
    const message = expect.stringContaining('Authorization: Bearer');
    expect(await response.json()).toEqual(
      path.startsWith('/graphql')
        ? { errors: [{ message, extensions: { code } }] }
        : { error: { code, message } },
    );
  });

  test('a large body is refused before it is read', async () => {
    await withEndlessBody(async (body) => {
      const response = await fetch(`${server.url}/import/call-transcriptions`, {
        method: 'POST',
        headers: { 'content-type': 'text/csv' },
        body,
        duplex: 'half',
        signal: AbortSignal.timeout(10_000),
      } as RequestInit);
      expect(response.status).toBe(401);
      await response.body?.cancel();
    });
  });

  test('health and GraphiQL’s page are there', async () => {
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    const page = await fetch(`${server.url}/graphql`, { headers: { accept: 'text/html' } });
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('Tunesmith');
  });

  test('GraphiQL’s page, opened again with the operation that it puts into its address, is the page and runs nothing', async () => {
    const headers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
    const response = await fetch(`${server.url}/graphql?query={__typename}`, { headers });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(await (await fetch(`${server.url}/graphql`, { headers })).text());
  });
});

describe('an API key', () => {
  test('lets in, for its tenant and with its role', async () => {
    const { key } = await newKey('VIEWER');
    expect(await post(`Bearer ${key}`)).toMatchObject(GOOD);
    const mutation = await post(
      `Bearer ${key}`,
      JSON.stringify({ query: 'mutation { createDataset(input: { name: "x" }) { __typename } }' }),
    );
    expect(mutation.answer).toContain('ForbiddenError');
  });

  test('is at least 128 random bits, and only its beginning and hash are kept', async () => {
    const { key, apiKey } = await newKey();
    expect(key).toMatch(/^tsk_[0-9a-f]{8}_[\w-]{32}$/);
    expect(apiKey.prefix).toBe(key.slice(0, 12));
    expect(Buffer.from(apiKey.sha256)).toHaveLength(32);
    expect(JSON.stringify(apiKey)).not.toContain(key.slice(13));
  });

  test('is refused when it is revoked, has expired, was changed or never was: all in the same words', async () => {
    const [revoked, expired, good] = [
      await newKey(),
      await newKey('ADMIN', new Date(Date.now() + 60_000)),
      await newKey(),
    ];
    expect(await post(`Bearer ${revoked.key}`)).toMatchObject(GOOD);
    await server.system.services.apiKeys.revoke(admin(), revoked.apiKey.id);
    expect(await post(`Bearer ${expired.key}`)).toMatchObject(GOOD);
    const wrong = `${good.key.slice(0, -1)}${good.key.endsWith('A') ? 'B' : 'A'}`;
    const answers = [
      await post(`Bearer ${revoked.key}`),
      await post(`Bearer ${wrong}`),
      await post('Bearer tsk_x'),
    ];
    clockOffset = 61_000;
    answers.push(await post(`Bearer ${expired.key}`));
    clockOffset = 0;
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    expect(new Set(answers.map(({ answer }) => answer)).size).toBe(1);
  });

  test.each(['Basic abc', 'Bearer', 'Bearer a b', '', 'tsk_12345678_x'])(
    'in a header like %j is refused',
    async (header) => {
      expect((await post(header)).status).toBe(401);
    },
  );

  test('has its last use noted, and is made and revoked through the API by admins, each in the audit log', async () => {
    const { key } = await newKey();
    const name = `For ${randomUUID()}`;
    const query = `mutation { createApiKey(input: { name: "${name}", role: EDITOR }) { ... on CreateApiKeyPayload { key apiKey { id name prefix role createdBy lastUsedAt } } ... on Error { message } } }`;
    const made = JSON.parse((await post(`Bearer ${key}`, JSON.stringify({ query }))).answer).data
      .createApiKey;
    expect(made.apiKey).toMatchObject({
      name,
      prefix: made.key.slice(0, 12),
      role: 'EDITOR',
      createdBy: expect.stringMatching(/^key:/),
      lastUsedAt: null,
    });
    const again = await post(`Bearer ${key}`, JSON.stringify({ query }));
    expect(again.answer).toContain('input.name: must not be the name of another key');
    expect(await post(`Bearer ${made.key}`)).toMatchObject(GOOD);
    const list =
      '{ apiKeys { edges { node { name lastUsedAt revokedAt } } } auditLog(filter: { subjectType: "ApiKey" }) { edges { node { action actor detail } } } }';
    const read = async () =>
      JSON.parse((await post(`Bearer ${key}`, JSON.stringify({ query: list }))).answer).data;
    await expect
      .poll(
        async () =>
          (await read()).apiKeys.edges.find(({ node }: { node: { name: string } }) => node.name === name).node
            .lastUsedAt,
      )
      .not.toBeNull();
    expect((await post(`Bearer ${made.key}`, JSON.stringify({ query: list }))).answer).toContain('FORBIDDEN');
    const revoke = `mutation { revokeApiKey(id: "${made.apiKey.id}") { ... on ApiKey { revokedAt } } }`;
    expect((await post(`Bearer ${key}`, JSON.stringify({ query: revoke }))).answer).toMatch(/"revokedAt":"2/);
    expect((await post(`Bearer ${made.key}`)).status).toBe(401);
    const { auditLog } = await read();
    const actions = auditLog.edges.map(({ node }: { node: { action: string } }) => node.action);
    expect(actions.slice(0, 2)).toEqual(['REVOKE_API_KEY', 'CREATE_API_KEY']);
    expect(JSON.stringify(auditLog)).not.toContain(made.key);
  });

  test('of another tenant cannot be revoked', async () => {
    const { apiKey } = await newKey();
    const other = randomUUID();
    await ensureTenant(server.db, other, other);
    await expect(server.system.services.apiKeys.revoke(serverViewer(other, 'x'), apiKey.id)).rejects.toThrow(
      'There is no API key',
    );
  });
});

const soon = () => Math.floor(Date.now() / 1000);

/** The old attack: a public key taken for the secret of HS256. */
async function hashed(): Promise<string> {
  const key = await importJWK({ ...provider.publicKey(), ext: true }, 'RS256');
  if (key instanceof Uint8Array) throw new Error('A public key was expected');
  return provider.token({}, { alg: 'HS256', key: new TextEncoder().encode(await exportSPKI(key)) });
}

function unsigned(): string {
  return new UnsecuredJWT({ app: { tenant: tenantId }, roles: ['admin'] })
    .setIssuer(provider.issuer)
    .setAudience(AUDIENCE)
    .setSubject('anna')
    .setExpirationTime('10m')
    .encode();
}

describe('an access token', () => {
  test('lets in, with the tenant by its id or name and the highest of the roles', async () => {
    expect(await post(`Bearer ${await token()}`)).toMatchObject(GOOD);
    expect(await post(`Bearer ${await token({ app: { tenant: `Acme ${tenantId}` } })}`)).toMatchObject(GOOD);
    const create = JSON.stringify({
      query: 'mutation { createDataset(input: { name: "" }) { __typename } }',
    });
    expect(
      (await post(`Bearer ${await token({ roles: ['viewer', 'Editor', 'else'] })}`, create)).answer,
    ).toContain('InvalidInputError');
    expect((await post(`Bearer ${await token({ roles: 'viewer' })}`, create)).answer).toContain(
      'ForbiddenError',
    );
  });

  test.each([
    ['of another issuer', () => token({ iss: 'https://elsewhere.example' }), '`iss`'],
    ['for another audience', () => token({ aud: 'another' }), '`aud`'],
    ['that has expired', () => token({ exp: soon() - 60 }), 'expired'],
    ['that is not yet good', () => token({ nbf: soon() + 600 }), '`nbf`'],
    ['without an end', () => token({ exp: undefined }), '`exp`'],
    ['of nobody', () => token({ sub: undefined }), '`sub`'],
    ['without a role', () => token({ roles: undefined }), '`roles` must be one of'],
    ['with an unknown role', () => token({ roles: ['owner'] }), '`roles` must be one of'],
    ['without a tenant', () => token({ app: undefined }), '`app.tenant` must name a tenant'],
    [
      'with an unknown tenant',
      () => token({ app: { tenant: randomUUID() } }),
      '`app.tenant` must name a tenant',
    ],
    ['with an inherited claim', () => token({ app: 'x' }), '`app.tenant` must name a tenant'],
    [
      'of a key that the provider does not have',
      async () => provider.token({}, { kid: 'unknown' }),
      'signature',
    ],
    [
      'signed by somebody else',
      async () => provider.token({}, { key: (await generateKeyPair('RS256')).privateKey }),
      'signature',
    ],
    ['signed with a hash of the public key', hashed, 'not allowed'],
    ['that is not signed', async () => unsigned(), 'not allowed|no signed JWT'],
    ['that is none', async () => 'a.b.c', 'no signed JWT'],
    ['that is nothing like one', async () => 'x', 'no signed JWT'],
    ['of a name that is the server’s own', () => token({ sub: 'worker' }), '`sub`'],
    ['of a name that the command line has', () => token({ sub: 'command line' }), '`sub`'],
    ['of a name that a key could have', () => token({ sub: 'key:x' }), '`sub`'],
  ] as [string, () => Promise<string>, string][])('%s is refused', async (_what, made, why) => {
    const { status, answer } = await post(`Bearer ${await made()}`);
    expect(status).toBe(401);
    expect(answer).toMatch(new RegExp(why));
  });

  test('without a provider that answers is neither good nor bad', async () => {
    const down = await startIdentityProvider();
    const one = createAccessTokens(tokenOptions(down.issuer));
    down.fail(500);
    await expect(one.verify(await down.token({ role: 'viewer', tenant: 'x' }))).rejects.toMatchObject({
      code: 'IDENTITY_UNAVAILABLE',
    });
    down.fail(null);
    await expect(one.verify(await down.token({ role: 'viewer', tenant: 'x' }))).resolves.toMatchObject({
      viewer: { role: 'VIEWER' },
    });
    await down.close();
  });
});

/** Opens a WebSocket as a browser would, follows, and resolves with how it was closed. */
function follow(connectionParams: Record<string, unknown>, onData: () => void = () => undefined) {
  return new Promise<{ code: number; reason: string }>((resolve) => {
    const client = createSocketClient({
      url: `${server.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams,
      retryAttempts: 0,
      lazy: false,
      onNonLazyError: () => undefined,
      on: {
        connected: onData,
        closed: (event) => resolve(event as CloseEvent),
      },
    });
    client.subscribe(
      { query: 'subscription { trainingRunsUpdated { id } }' },
      { next: onData, error: () => undefined, complete: () => undefined },
    );
  });
}

describe('a WebSocket', () => {
  test.each([
    ['without credentials', {}],
    ['with wrong ones', { authorization: 'Bearer tsk_00000000_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' }],
    ['with what is no text', { authorization: 7 }],
  ])('%s is closed with 4403', async (_what, params) => {
    expect(await follow(params)).toMatchObject({ code: 4403, reason: 'The credentials are not good' });
  });

  test('ends when its token expires', async () => {
    let connected = false;
    const closed = follow(
      { Authorization: `Bearer ${await token({ exp: Math.floor(Date.now() / 1000) - 3 })}` },
      () => (connected = true),
    );
    expect(await closed).toMatchObject({
      code: 4403,
      reason: expect.stringContaining('The session has ended'),
    });
    expect(connected).toBe(true);
  });

  test('ends when its key is revoked, here or elsewhere', async () => {
    const { key, apiKey } = await newKey();
    const closed = follow({ authorization: `Bearer ${key}` }, () => {
      // As another replica would: this process is not told.
      void server.db.withTenant(tenantId, (tx) =>
        tx.apiKey.updateMany({ where: { id: apiKey.id }, data: { revokedAt: new Date() } }),
      );
    });
    expect(await closed).toMatchObject({
      code: 4403,
      reason: expect.stringContaining('The session has ended'),
    });
  });
});

test.each([
  'text/event-stream',
  'TEXT/Event-Stream',
  'text/event -stream',
  'application/json, text/event-stream;q=0.1',
])('a stream as %s ends when its token expires', async (accept) => {
  const response = await fetch(`${server.url}/graphql?query=subscription{trainingRunsUpdated{id}}`, {
    headers: {
      accept,
      authorization: `Bearer ${await token({ exp: Math.floor(Date.now() / 1000) - 3 })}`,
    },
  });
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow('terminated');
});

test.each(['*/*', 'text/*', 'multipart/*;q=0.5', 'text/html, */*;q=0.8'])(
  'who takes %s, and names no stream, gets none',
  async (accept) => {
    const { key } = await newKey('VIEWER');
    const ask = (query: string) =>
      fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: { accept, authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      });
    const refused = await ask('subscription { trainingRunsUpdated { id } }');
    expect(refused.status).toBe(406);
    await refused.body?.cancel();
    const answered = await ask('{ __typename }');
    expect(answered.headers.get('content-type')).toContain('application/json');
    expect(await answered.json()).toEqual({ data: { __typename: 'Query' } });
  },
);

test('an answer that is under way comes though its token expires meanwhile', async () => {
  expect(await post(`Bearer ${await token({ exp: Math.floor(Date.now() / 1000) - 4 })}`)).toMatchObject(GOOD);
});

test('subscribing before it is known who asks closes with 4401', async () => {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const closed = new Promise<number>((resolve) => void socket.once('close', resolve));
  socket.once('open', () =>
    socket.send('{"type":"subscribe","id":"1","payload":{"query":"{ __typename }"}}'),
  );
  expect(await closed).toBe(4401);
});

test('a WebSocket may say who asks by the header that it is opened with', async () => {
  const authorization = `Bearer ${(await newKey('VIEWER')).key}`;
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: { authorization },
  });
  const acknowledged = new Promise<string>(
    (resolve) => void socket.once('message', (data: Buffer) => resolve(data.toString())),
  );
  socket.once('open', () => socket.send('{"type":"connection_init"}'));
  expect(await acknowledged).toBe('{"type":"connection_ack"}');
  socket.close();
});

test('a token of a key that the provider has only now is good', async () => {
  const other = await startIdentityProvider();
  const one = createAccessTokens({ ...tokenOptions(other.issuer), askAgainAfter: 0 });
  const claims = { role: 'viewer', tenant: 'x' };
  await one.verify(await other.token(claims));
  await other.rotate();
  await expect(one.verify(await other.token(claims))).resolves.toMatchObject({ viewer: { subject: 'anna' } });
  await other.close();
});

test('the provider is not asked for each token', async () => {
  const asked = provider.asked();
  for (let n = 0; n < 20; n += 1) expect((await post(`Bearer ${await token()}`)).status).toBe(200);
  expect(provider.asked() - asked).toBeLessThanOrEqual(1);
});

test('nothing of keys and tokens is logged', async () => {
  const [{ key }, jwt] = [await newKey(), await token()];
  await post(`Bearer ${key}`);
  await post(`Bearer ${jwt}`);
  await post(`Bearer ${jwt}x`);
  const log = server.logged.join('\n');
  for (const secret of [key.slice(13), jwt.slice(-40)]) expect(log).not.toContain(secret);
});
