import { readFileSync } from 'node:fs';
import { createServer, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { followRun, type RunState } from '../../examples/client/follow.ts';
import { launchRun, runCli, startCli, startCliServer, startNode, type CliServer } from './support.ts';

let server: CliServer;

beforeAll(async () => {
  server = await startCliServer();
}, 120_000);
afterAll(() => server.close());

/** Stands between a client and the server, so that a connection can be broken at will. */
async function startProxy(url: string) {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let connections = 0;
  const proxy = createServer((incoming) => {
    connections += 1;
    const outgoing = connect(Number(target.port), target.hostname);
    for (const socket of [incoming, outgoing]) {
      sockets.add(socket);
      socket.on('close', () => {
        sockets.delete(socket);
        incoming.destroy();
        outgoing.destroy();
      });
      socket.on('error', () => undefined);
    }
    incoming.pipe(outgoing).pipe(incoming);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy listens on no port');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut,
    connections: () => connections,
    async close() {
      cut();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

const listed = z.array(
  z.object({ id: z.string(), status: z.string(), dataset: z.object({ name: z.string() }) }),
);

test('the example client misses nothing and tells nothing twice when its connection breaks', async () => {
  const proxy = await startProxy(server.url);
  const runId = await launchRun(server.client, 'Followed');
  const breaks: string[] = [];
  const ended: RunState[] = [];
  const seen: { seq: number; type: string }[] = [];
  let cutWhileTraining = false;
  const events = followRun({
    url: proxy.url,
    runId,
    retryAfter: 5,
    onBreak: (reason) => breaks.push(reason),
    onFinal: (run) => ended.push(run),
  });
  for await (const { seq, type } of events) {
    seen.push({ seq, type });
    if (seq === 1 || (type === 'METRICS' && !cutWhileTraining)) proxy.cut();
    cutWhileTraining ||= type === 'METRICS';
  }
  await proxy.close();
  expect(breaks.length).toBeGreaterThanOrEqual(1);
  expect(proxy.connections()).toBeGreaterThanOrEqual(2);
  expect(ended).toMatchObject([{ status: 'SUCCEEDED', lastSeq: seen.length }]);
  expect(seen.map(({ seq }) => seq)).toEqual(Array.from(seen, (_, index) => index + 1));
}, 60_000);

test('the example client goes on from where one left off, and refuses what is no run', async () => {
  const runId = await launchRun(server.client, 'Followed by a program');
  const script = ['--import', 'tsx', 'examples/client/follow.ts'];
  const { code, stdout, stderr } = await startNode([...script, runId], { TUNESMITH_URL: server.url }).ended;
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.at(-1)).toMatch(/^SUCCEEDED {2}ft:sandbox-small/);
  expect(lines.slice(0, -1).map((line) => Number(line.slice(0, 5)))).toEqual(
    lines.slice(1).map((_, index) => index + 1),
  );

  const rest: number[] = [];
  for await (const { seq } of followRun({ url: server.url, runId, afterSeq: 3 })) rest.push(seq);
  expect(rest[0]).toBe(4);

  await expect(followRun({ url: server.url, runId: 'nonsense' }).next()).rejects.toThrow(
    'must be the id of a TrainingRun',
  );
  expect((await startNode(script).ended).code).toBe(2);
}, 60_000);

test('lists runs as a table and as JSON, the newest first', async () => {
  const first = await launchRun(server.client, 'Listed first');
  const second = await launchRun(server.client, 'Listed second');
  const json = await runCli(['runs', '--json', '--first', '2', '--url', server.url]);
  expect(json.code).toBe(0);
  expect(listed.parse(JSON.parse(json.stdout)).map(({ id }) => id)).toEqual([second, first]);

  const { code, stdout } = await runCli(['runs', '--first', '1', '--url', `${server.url}/graphql`]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^DATASET +STATUS +PROVIDER +BASE MODEL +RESULT MODEL +TOKENS +COST +CREATED +DURATION\nListed second +[A-Z_]+ +sandbox /,
  );
  expect(stdout.trimEnd().split('\n')).toHaveLength(2);
}, 60_000);

test('watches: a line for each change, also after the connection was lost, until Ctrl-C', async () => {
  const proxy = await startProxy(server.url);
  const watching = startCli(['runs', '--watch', '--first', '3', '--url', proxy.url]);
  const before = await launchRun(server.client, 'Watched before the break');
  await watching.printed(/Live from/);
  await watching.printed(new RegExp(`${before} +SUCCEEDED`));
  proxy.cut();
  await watching.printed(/The connection to .* is lost, trying again/);
  const after = await launchRun(server.client, 'Watched after the break');
  await watching.printed(
    new RegExp(`${after} +SUCCEEDED +Watched after the break +sandbox/sandbox-small-2026-01-01 +ft:`),
  );
  watching.process.kill('SIGINT');
  const { code, stdout } = await watching.ended;
  await proxy.close();
  expect(code).toBe(0);
  expect(stdout.match(new RegExp(`${after} +SUCCEEDED`, 'g'))).toHaveLength(1);
}, 60_000);

test('watches as JSON lines', async () => {
  const watching = startCli(['runs', '--watch', '--json', '--url', server.url]);
  await watching.printed(/Live from/); // From now on it ends as it is told to.
  const id = await launchRun(server.client, 'Watched as JSON');
  await watching.printed(new RegExp(`"id":"${id}","status":"SUCCEEDED"`));
  watching.process.kill('SIGTERM');
  const { code, stdout } = await watching.ended;
  expect(code).toBe(0);
  for (const line of stdout.trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('lastSeq');
}, 60_000);

test('the example tells how to run it', () => {
  const source = readFileSync(new URL('../../examples/client/follow.ts', import.meta.url), 'utf8');
  expect(source).toContain('npx tsx examples/client/follow.ts RUN_ID');
});
