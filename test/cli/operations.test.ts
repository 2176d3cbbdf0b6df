/** The server as a process: how it starts and ends for load balancers, and what it sends to a collector. */
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { createClient } from '../support/client.ts';
import { createServerDatabase } from '../support/database.ts';
import { openSocket } from '../support/follow.ts';
import { plantSecret } from '../support/logArchive.ts';
import { startCli, temporaryDirectory, type RunningCli } from './support.ts';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of cleanUp.splice(0).toReversed()) await one();
});

interface Started {
  cli: RunningCli;
  url: string;
}

/** `tunesmith start` on a port that is free, when it serves. */
async function start(env: Record<string, string> = {}): Promise<Started> {
  const directory = temporaryDirectory();
  const database = await createServerDatabase();
  const port = await freePort();
  const cli = startCli(['start'], {
    PORT: String(port),
    DATA_DIR: directory.path,
    SANDBOX_SPEED: '1000',
    ...(database !== undefined && { DATABASE_URL: database }),
    ...env,
  });
  cleanUp.push(async () => {
    cli.process.kill('SIGKILL');
    await cli.ended;
    directory.remove();
  });
  return { cli, url: `http://127.0.0.1:${port}` };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return address instanceof Object ? address.port : 0;
}

const ready = async (url: string) => {
  const response = await fetch(`${url}/health/ready`);
  return { status: response.status, body: (await response.json()) as { status: string; reason?: string } };
};

test('while it starts it lives and is not ready; then it is', async () => {
  const { cli, url } = await start();
  const answers: string[] = [];
  const look = async () => {
    const answer = await fetch(`${url}/health/ready`).catch(() => undefined);
    if (answer === undefined) return undefined;
    const { reason } = (await answer.json()) as { reason?: string };
    answers.push(`${answer.status} ${reason ?? ''}`);
    return answer.status;
  };
  while ((await look()) !== 200);
  expect(new Set(answers)).toEqual(new Set(['503 starting', '200 ']));
  cli.process.kill('SIGTERM');
  expect((await cli.ended).code).toBe(0);
}, 60_000);

const row = (n: number) =>
  `${JSON.stringify({ call_sid: `CA${n}`, created_at: '2026-11-01T10:00:00Z', transcript_confidence: 0.9, turns: [{ speaker: 'caller', text: 'Hello.' }] })}\n`;

test('told to end it says that it is not ready, finishes what it was asked, and tells its sockets to go', async () => {
  const { cli, url } = await start({ DRAIN_SECONDS: '1' });
  await cli.printed(/GraphQL and GraphiQL at/);
  const socket = openSocket({ url, headers: {} });
  const following = socket.start('subscription { trainingRunsUpdated { id } }');
  following.ended.catch(() => undefined);
  await socket.until('{ datasets { totalCount } }');
  const sending = request(`${url}/import/call-transcriptions`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
  });
  const answered = once(sending, 'response');
  sending.write(row(1));
  expect((await ready(url)).status).toBe(200);

  cli.process.kill('SIGTERM');
  await cli.printed(/SIGTERM received/);
  expect(await ready(url)).toMatchObject({ status: 503, body: { reason: 'shutting down' } });
  // It is served as before.
  expect((await socket.until('{ datasets { totalCount } }')).errors).toEqual([]);
  sending.end(row(2));
  const [response] = (await answered) as [IncomingMessage];
  expect([response.statusCode, JSON.parse(await text(response))]).toMatchObject([200, { stored: 2 }]);
  expect(await socket.closed).toBe(1001);
  expect((await cli.ended).code).toBe(0);
}, 60_000);

interface Attribute {
  key: string;
  value: { stringValue?: string; intValue?: number };
}
interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: Attribute[];
}
interface Export {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: Span[] }[] }[];
}

test('with its variables set, OpenTelemetry’s collector is sent spans that tell no text', async () => {
  const bodies: string[] = [];
  const paths = new Set<string>();
  const collector = createServer((incoming, response) => {
    paths.add(`${incoming.method} ${incoming.url} ${String(incoming.headers['x-collector-key'])}`);
    void text(incoming).then((body) => {
      bodies.push(body);
      return response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  }).listen(0, '127.0.0.1');
  cleanUp.push(() => collector.close());
  await once(collector, 'listening');
  const address = collector.address();
  const { cli, url } = await start({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${address instanceof Object ? address.port : 0}`,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-key=1234',
    OTEL_SERVICE_NAME: 'tunesmith-tested',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  });
  await cli.printed(/GraphQL and GraphiQL at/);
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const client = createClient(url, { traceparent: `00-${traceId}-b7ad6b7169203331-01` }, '');
  const made = await client.answer(
    'mutation Made($input: CreateDatasetInput!) { createDataset(input: $input) { __typename ... on Dataset { id } } }',
    { input: { name: plantSecret('planted name '), systemPrompt: plantSecret('planted prompt ') } },
  );
  const { id } = (made.data as { createDataset: { id: string } }).createDataset;
  await client.answer('mutation ($input: AddExamplesInput!) { addExamples(input: $input) { __typename } }', {
    input: {
      datasetId: id,
      autoValidate: true,
      examples: Array.from({ length: 12 }, (_, n) => ({
        messages: [
          { role: 'USER', content: plantSecret(`planted question ${n} `) },
          { role: 'ASSISTANT', content: plantSecret(`planted answer ${n} `) },
        ],
      })),
    },
  });
  await client.answer(
    `mutation { launchTrainingRun(input: { datasetId: "${id}", baseModel: "sandbox-small" }) { __typename } }`,
  );
  const spans = () =>
    bodies.flatMap((body) =>
      (JSON.parse(body) as Export).resourceSpans.flatMap(({ scopeSpans }) =>
        scopeSpans.flatMap(({ spans: some }) => some),
      ),
    );
  await expect
    .poll(() => spans().some(({ name }) => name === 'provider createJob'), { timeout: 30_000 })
    .toBe(true);
  cli.process.kill('SIGTERM');
  expect((await cli.ended).code).toBe(0);

  expect([...paths]).toEqual(['POST /v1/traces 1234']);
  const ours = spans().filter((span) => span.traceId === traceId);
  const http = ours.find(({ name }) => name === 'POST /graphql');
  expect(http?.parentSpanId).toBe('b7ad6b7169203331');
  const operation = ours.find(
    ({ name, parentSpanId }) => name === 'graphql mutation' && parentSpanId === http?.spanId,
  );
  expect(operation?.attributes).toContainEqual({
    key: 'tunesmith.operation',
    value: { stringValue: 'mutation Made' },
  });
  const statements = ours.filter(({ parentSpanId }) => parentSpanId === operation?.spanId);
  expect(statements.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['database BEGIN', 'database COMMIT']),
  );
  // What nobody asked for begins a trace of its own: a tick of a job, in it the work on a run, in that the provider.
  const above = (span: Span | undefined) =>
    spans().find(({ spanId, traceId: of }) => spanId === span?.parentSpanId && of === span.traceId);
  const creating = spans().find(({ name }) => name === 'provider createJob');
  const advancing = above(creating);
  expect(advancing?.name).toBe('run advance');
  expect(advancing?.attributes.map(({ key }) => key)).toContain('tunesmith.run_id');
  const tick = above(advancing);
  expect([tick?.name, tick?.parentSpanId ?? '']).toEqual(['job advanceRuns', '']);
  expect(JSON.stringify(bodies)).toContain('tunesmith-tested');
  expect(JSON.stringify(bodies)).not.toMatch(/planted|createDataset\(|SELECT \w/);
  // That the log of the process does not hold them either is looked at when all tests are over.
  expect((await cli.ended).stderr).toContain('A request was answered');
}, 120_000);

test('a collector that is away delays nothing, and is told of', async () => {
  const { cli, url } = await start({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${await freePort()}/v1/traces`,
    OTEL_BSP_SCHEDULE_DELAY: '50',
    OTEL_EXPORTER_OTLP_TIMEOUT: '500',
  });
  await cli.printed(/GraphQL and GraphiQL at/);
  await fetch(`${url}/graphql?query={__typename}`);
  await cli.printed(/Tracing is away/);
  cli.process.kill('SIGTERM');
  expect((await cli.ended).code).toBe(0);
}, 60_000);
