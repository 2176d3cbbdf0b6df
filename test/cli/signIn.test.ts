/** The client commands and the example client, on a server that serves only who signs in. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { followRun, type RunState } from '../../examples/client/follow.ts';
import { createAuthentication } from '../../src/http/authentication.ts';
import { DEFAULT_TENANT, ensureTenant } from '../../src/db/tenants.ts';
import { serverViewer } from '../../src/services/viewer.ts';
import { createClient, type TestClient } from '../support/client.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  lastJson,
  launchRun,
  newDataset,
  runCli,
  startCli,
  startNode,
  temporaryDirectory,
} from './support.ts';

const LONG = 120_000;
const admin = serverViewer(DEFAULT_TENANT, 'test');
const temporary = temporaryDirectory();
let server: TestServer;
let client: TestClient;
let key: string;

beforeAll(async () => {
  server = await startTestServer({ authenticate: ({ apiKeys }) => createAuthentication({ apiKeys }) });
  await ensureTenant(server.db, DEFAULT_TENANT);
  ({ key } = await newKey());
  client = createClient(server.url, { authorization: `Bearer ${key}` }, DEFAULT_TENANT);
}, LONG);
afterAll(async () => {
  await server.close();
  temporary.remove();
});

const newKey = () => server.system.services.apiKeys.create(admin, { name: randomUUID(), role: 'ADMIN' });
const environment = (apiKey: string) => ({ TUNESMITH_URL: server.url, TUNESMITH_API_KEY: apiKey });

const cancel = (url: string, apiKey: string, runId: string) =>
  createClient(url, { authorization: `Bearer ${apiKey}` }, DEFAULT_TENANT).answer(
    'mutation ($id: ID!) { cancelTrainingRun(id: $id) { __typename } }',
    { id: runId },
  );

function callsFile(): string {
  const path = join(temporary.path, `${randomUUID()}.jsonl`);
  writeFileSync(
    path,
    `${JSON.stringify({
      call_sid: randomUUID(),
      created_at: '2026-09-01T09:00:00Z',
      transcript_confidence: 0.9,
      turns: [
        { speaker: 'caller', text: 'Are you open on Sundays?' },
        { speaker: 'agent', text: 'Yes, from ten to four.' },
      ],
    })}\n`,
  );
  return path;
}

test(
  'import, report, runs and demo sign in with the key of the variable',
  async () => {
    await newDataset(client, 'Signed in');
    const imported = await runCli(['import', '--json', callsFile()], environment(key));
    expect(imported.code).toBe(0);
    expect(lastJson(imported.stdout)).toMatchObject({ stored: 1 });
    expect(await runCli(['report', 'Signed in', '--json'], environment(key))).toMatchObject({ code: 0 });
    const listed = await runCli(['runs', '--json', '--api-key', key], environment('tsk_not_this_one'));
    expect(listed).toMatchObject({ code: 0, stdout: '[]\n' });
    const demo = await runCli(['demo', '--json', '--url', server.url], environment(key));
    expect(demo).toMatchObject({ code: 0 });
    expect(lastJson(demo.stdout)).toMatchObject({ run: { status: 'SUCCEEDED' } });
    for (const { stdout, stderr } of [imported, listed, demo]) expect(stdout + stderr).not.toContain(key);
  },
  LONG,
);

test(
  'runs --watch signs in over WebSocket, and ends when its key is revoked',
  async () => {
    const own = await newKey();
    const watching = startCli(['runs', '--watch'], environment(own.key));
    await watching.printed(/Live from/);
    const id = await launchRun(client, `Watched ${randomUUID()}`);
    await watching.printed(new RegExp(`${id} +SUCCEEDED`));
    await server.system.services.apiKeys.revoke(admin, own.apiKey.id);
    const { code, stderr } = await watching.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('does not take the key that TUNESMITH_API_KEY or --api-key gives');
    expect(stderr).not.toContain('trying again');
  },
  LONG,
);

describe('whom the server does not know is told which variable to set', () => {
  test.each([
    ['import', () => ['import', callsFile(), callsFile()]],
    ['runs', () => ['runs']],
    ['runs --watch', () => ['runs', '--watch']],
    ['report', () => ['report', 'x']],
    ['demo', () => ['demo', '--json', '--url', server.url]],
  ] as [string, () => string[]][])('by %s', async (_what, args) => {
    const none = await runCli(args(), { TUNESMITH_URL: server.url });
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toContain(
      `Error: The server at ${server.url} serves only who signs in. Set TUNESMITH_API_KEY to an API key;`,
    );
    const wrong = 'tsk_00000000_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx';
    const refused = await runCli(args(), environment(wrong));
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /Error: .* does not take the key that TUNESMITH_API_KEY or --api-key gives/,
    );
    expect(refused.stderr).not.toContain('tsk_00000000');
  });

  test('and what is no key at all is not shown', async () => {
    const { code, stdout, stderr } = await runCli(
      ['runs', '--api-key', 'hunter2\nhunter3'],
      environment(key),
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('is no key');
    expect(stderr).not.toContain('hunter');
  });
});

describe('the example client', () => {
  test(
    'asks for a token for each connection, and goes on with a new one when its session has ended',
    async () => {
      // Of a run that would take hours, so that it is not final when the session ends.
      const slow = await startTestServer({
        sandboxSpeed: 0.001,
        authenticate: ({ apiKeys }) => createAuthentication({ apiKeys }),
      });
      await ensureTenant(slow.db, DEFAULT_TENANT);
      const { apiKeys } = slow.system.services;
      const first = await apiKeys.create(admin, { name: 'first', role: 'ADMIN' });
      const second = await apiKeys.create(admin, { name: 'second', role: 'ADMIN' });
      const tokens = [first.key, second.key];
      const breaks: string[] = [];
      const ended: RunState[] = [];
      const seen: number[] = [];
      const runId = await launchRun(
        createClient(slow.url, { authorization: `Bearer ${second.key}` }, DEFAULT_TENANT),
        'Followed',
      );
      const events = followRun({
        url: slow.url,
        runId,
        token: () => tokens.shift() ?? '',
        retryAfter: 5,
        onBreak: (reason) => {
          breaks.push(reason);
          void cancel(slow.url, second.key, runId);
        },
        onFinal: (run) => ended.push(run),
      });
      for await (const { seq } of events) {
        seen.push(seq);
        if (seq === 1) await apiKeys.revoke(admin, first.apiKey.id);
      }
      await slow.close();
      expect(breaks).toEqual(['closed with code 4403']);
      expect(tokens).toEqual([]);
      expect(ended).toMatchObject([{ status: 'CANCELLED', lastSeq: seen.length }]);
      expect(seen).toEqual(Array.from(seen, (_, index) => index + 1));
    },
    LONG,
  );

  test(
    'ends when its token is not taken',
    async () => {
      const runId = await launchRun(client, `Refused ${randomUUID()}`);
      await expect(followRun({ url: server.url, runId }).next()).rejects.toThrow('or asks for one');
      await expect(followRun({ url: server.url, runId, token: 'tsk_x' }).next()).rejects.toThrow('not take');
      const script = ['--import', 'tsx', 'examples/client/follow.ts', runId];
      expect(await startNode(script, environment(key)).ended).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('SUCCEEDED'),
      });
    },
    LONG,
  );
});
