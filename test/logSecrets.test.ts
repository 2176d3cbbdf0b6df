/** Nothing that a client, a provider, the database or the store says may come into the log, however it fails. */
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { providersOf } from '../src/providers.ts';
import { schema } from '../src/schema/index.ts';
import { createDirectoryStore } from '../src/services/exportStore/directory.ts';
import type { ExportStore } from '../src/services/exportStore/port.ts';
import { createOpenAiProvider } from '../src/services/providers/openai.ts';
import type { TestClient } from './support/client.ts';
import { openTestDatabase } from './support/database.ts';
import { openSocket } from './support/follow.ts';
import { noteSecret, plantSecret, secretsIn } from './support/logArchive.ts';
import { plantedOperations, SPOILT } from './support/planting.ts';
import { startTestServer, type TestServer } from './support/server.ts';

const planted: string[] = [];
const plant = (prefix = '') => {
  const secret = plantSecret(prefix);
  planted.push(secret);
  return secret;
};

/** What the provider answers next: it repeats the keys and files that it was sent, as bad gateways do. */
let misbehave: (sent: string, authorization: string) => { status: number; body: string } | null;
let provider: Server;
let server: TestServer;
let client: TestClient;
let datasetId: string;
let storeBreaks = false;

beforeAll(async () => {
  provider = createServer((request, response) => {
    void text(request).then((sent) => {
      const answer = misbehave(sent, request.headers.authorization ?? '');
      if (answer === null) return request.socket.destroy();
      return response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
  }).listen(0, '127.0.0.1');
  await once(provider, 'listening');
  const address = provider.address();
  const port = address instanceof Object ? address.port : 0;
  const directory = createDirectoryStore(mkdtempSync(join(tmpdir(), 'tunesmith-secrets-')));
  const store: ExportStore = {
    ...directory,
    async create() {
      // What the operating system says of a missing file names it.
      if (storeBreaks) await open(`/nowhere/${plant('path')}`);
      return directory.create();
    },
  };
  server = await startTestServer({
    db: await openTestDatabase(() => undefined),
    logLevel: 'trace',
    store,
    reconcileWait: 60_000,
    providers: providersOf(
      createOpenAiProvider({
        name: 'openai',
        description: 'A provider that repeats what it is sent.',
        apiKey: plant('sk-proj-'),
        baseURL: `http://127.0.0.1:${port}/v1`,
        webhookSecret: `whsec_${Buffer.from(plant('webhook')).toString('base64')}`,
      }),
    ),
  });
  misbehave = (sent, key) => ({
    status: 500,
    body: JSON.stringify({ error: { message: `${key} ${sent}` } }),
  });
  client = await server.asNewTenant();
  datasetId = await newDataset();
}, 120_000);

afterAll(async () => {
  await server.close();
  await server.db.close();
  provider.close();
});

const answer = (query: string, variables: Record<string, unknown> = {}) => client.answer(query, variables);
const idIn = (data: unknown): string => {
  const found = /"id":"([^"]+)"/.exec(JSON.stringify(data))?.[1];
  if (found === undefined) throw new Error(`No id in ${JSON.stringify(data)}`);
  return found;
};
async function newDataset(): Promise<string> {
  const made = await answer(
    `mutation ($input: CreateDatasetInput!) { createDataset(input: $input) { ... on Dataset { id } } }`,
    { input: { name: plant('dataset'), systemPrompt: plant('prompt') } },
  );
  return idIn(made);
}
const addExamples = (count: number) =>
  answer(`mutation ($input: AddExamplesInput!) { addExamples(input: $input) { __typename } }`, {
    input: {
      datasetId,
      autoValidate: true,
      examples: Array.from({ length: count }, () => ({
        messages: [
          { role: 'USER', content: `Where is ${plant('question')}?` },
          { role: 'ASSISTANT', content: `It is in ${plant('answer')}.` },
        ],
      })),
    },
  });
const internal = (result: { errors?: readonly unknown[] }) =>
  JSON.stringify(result.errors ?? []).includes('INTERNAL_ERROR');
/** Past the roles: as whoever the server logged in as. */
const asOwner = (sql: string) =>
  server.db.asSystem(async (tx) => {
    await tx.$executeRaw`SET LOCAL ROLE NONE`;
    await tx.$executeRawUnsafe(sql);
  });

function expectSilence(): void {
  expect(secretsIn(server.logged.join(''), planted)).toEqual([]);
}

test('every query and mutation, with texts of every kind', async () => {
  for (const spoil of Object.values(SPOILT)) {
    for (const { kind, query, variables } of plantedOperations(schema, (secret) => {
      planted.push(secret);
      return spoil(secret);
    })) {
      if (kind !== 'subscription') await answer(query, variables);
      // As literals, and as variables of a type that does not fit: both are repeated by what refuses them.
      else await client.fetch(`/graphql?query=${encodeURIComponent(query)}&variables=${plant()}`);
    }
  }
  await answer(`{ ${plant('field')} datasets(first: "${plant()}") { totalCount } }`);
  await answer(`query ($n: Int) { datasets(first: $n) { totalCount } }`, { n: plant() });
  await answer(`{ node(id: "${plant()}") { id } `);
  expectSilence();
}, 300_000);

test('every route, with secrets in its address, headers and body', async () => {
  const send = (path: string, body?: string, headers: Record<string, string> = {}) =>
    client.fetch(path, {
      ...(body !== undefined && { method: 'POST', body }),
      headers: {
        authorization: `Bearer ${plant('bearer')}`,
        cookie: `session=${plant('cookie')}`,
        'x-request-id': `${plant('request')} with a space`,
        ...headers,
      },
    });
  const types = ['application/x-ndjson', 'text/csv', 'text/vtt', `text/${plant('type')}`];
  const bodies = () => [
    JSON.stringify({
      call_sid: plant('CA'),
      created_at: '2026-11-01T10:00:00Z',
      phone_number: phoneNumber(),
      turns: [{ speaker: plant(), text: plant('turn') }],
    }),
    `{"messages": [{"role": "${plant()}", "content": "${plant()}"}], ${plant()}`,
    `call_sid,text\n${plant()},"${plant()}`,
    `WEBVTT\n\n00:00.000 --> 00:0x.000\n<v ${plant()}>${plant()}`,
  ];
  for (const type of types) {
    for (const body of bodies()) {
      await send(`/import/call-transcriptions?filename=${plant()}.vtt&${plant()}=1`, body, {
        'content-type': type,
      });
      await send(`/import/call-transcriptions`, body, { 'content-type': type });
      await send(`/import/examples/${datasetId}?autoValidate=${plant()}`, body, { 'content-type': type });
      await send(`/import/examples/${plant()}`, body, { 'content-type': type });
    }
  }
  await send(`/exports/${client.tenantId}/${plant()}?expires=${plant()}&signature=${plant('signature')}`);
  await send(`/${plant('path')}/${plant()}?${plant()}`);
  await send('/graphql', `{"query": "${plant()}", `, { 'content-type': 'application/json' });
  await send('/graphql', plant(), { 'content-type': `application/${plant()}` });
  await send('/webhooks/openai', JSON.stringify({ type: plant(), data: { id: plant() } }), {
    'webhook-id': plant(),
    'webhook-timestamp': String(Math.round(Date.now() / 1000)),
    'webhook-signature': `v1,${Buffer.from(plant('signed')).toString('base64')}`,
  });
  await send('/metrics');
  expectSilence();
});

function phoneNumber(): string {
  const digits = String(Math.floor(Math.random() * 1e10)).padStart(10, '0');
  noteSecret(`+4915${digits}`);
  planted.push(`+4915${digits}`);
  return `+4915${digits}`;
}

test('frames of every kind', async () => {
  const socket = new WebSocket(`${client.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: client.headers,
  });
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: plant('bearer') } }));
  socket.send(`${plant('frame')} is no JSON`);
  await once(socket, 'close');
  const following = openSocket(client);
  for (const { query, variables } of plantedOperations(schema, (secret) => {
    planted.push(secret);
    return secret;
  }).filter(({ kind }) => kind === 'subscription')) {
    following.start(query, variables).ended.catch(() => undefined);
  }
  await following.until('{ datasets { totalCount } }');
  await following.close();
  expectSilence();
});

test('a database that repeats rows and statements', async () => {
  expect(internal(await addExamples(2))).toBe(false);
  await asOwner(
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN RAISE EXCEPTION 'refused %', to_jsonb(NEW) USING DETAIL = to_jsonb(NEW)::text, HINT = NEW.id::text; END $$`,
  );
  for (const table of ['finetuning_examples', 'finetuning_datasets', 'call_transcriptions'])
    await asOwner(
      `CREATE TRIGGER aa_refuse BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION refuse()`,
    );
  expect(internal(await addExamples(2))).toBe(true);
  await expect(newDataset()).rejects.toThrow('No id');
  const call = { call_sid: plant('CA'), created_at: '2026-11-01T10:00:00Z', phone_number: phoneNumber() };
  const imported = await client.fetch('/import/call-transcriptions', {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: `${JSON.stringify({ ...call, transcript_confidence: 0.9, turns: [{ speaker: 'caller', text: plant() }] })}\n`,
  });
  expect(imported.status).toBe(500);
  for (const table of ['finetuning_examples', 'finetuning_datasets', 'call_transcriptions'])
    await asOwner(`DROP TRIGGER aa_refuse ON ${table}`);
  await asOwner(
    `ALTER TABLE finetuning_examples ADD CONSTRAINT refusing CHECK (assistant_response NOT LIKE '%answer%') NOT VALID`,
  );
  expect(internal(await addExamples(2))).toBe(true);
  await asOwner('ALTER TABLE finetuning_examples DROP CONSTRAINT refusing');
  expectSilence();
});

test('a store that names its files, and a provider that repeats what it is sent', async () => {
  await addExamples(12);
  storeBreaks = true;
  const exporting = `mutation ($input: ExportDatasetInput!) { exportDataset(input: $input) { __typename } }`;
  expect(internal(await answer(exporting, { input: { datasetId } }))).toBe(true);
  storeBreaks = false;
  // A mutation that was tried before may have set one.
  await answer('mutation { setMonthlyBudget(input: { usd: null }) { __typename } }', {});
  const faults: (typeof misbehave)[] = [
    (sent, key) => ({ status: 500, body: JSON.stringify({ error: { message: `${key} ${sent}` } }) }),
    (sent, key) => ({ status: 200, body: `${key} ${sent}` }),
    (sent) => ({ status: 200, body: JSON.stringify({ id: 3, object: sent, filename: plant() }) }),
    () => null,
    (sent, key) => ({
      status: 400,
      body: JSON.stringify({ error: { message: `${key} ${sent}`, code: plant() } }),
    }),
  ];
  for (const fault of faults) {
    misbehave = fault;
    const launched = await answer(
      `mutation ($input: LaunchTrainingRunInput!) {
         launchTrainingRun(input: $input) { __typename ... on TrainingRun { id } ... on Error { message } } }`,
      { input: { datasetId, baseModel: 'gpt-4.1-mini-2025-04-14', suffix: plant('s').slice(0, 18) } },
    );
    const calls = () => server.logged.filter((line) => line.includes('A call to a provider failed')).length;
    if (!JSON.stringify(launched).includes('"TrainingRun"')) throw new Error(JSON.stringify(launched));
    const before = calls();
    await expect.poll(calls, { timeout: 20_000 }).toBeGreaterThan(before);
  }
  expectSilence();
}, 120_000);

test('that were enough, and failures that are told by their codes and places', () => {
  expect(planted.length).toBeGreaterThan(500);
  const lines = server.logged.map((line) => JSON.parse(line) as { msg: string; err?: { stack?: string } });
  const failed = lines.filter(({ msg }) => msg === 'An operation failed');
  expect(failed.length).toBeGreaterThanOrEqual(4);
  expect(failed.every(({ err }) => err?.stack?.includes('src/'))).toBe(true);
  expect(server.logged.join('')).toContain('PROVIDER_FAILED');
  expectSilence();
});
