/** Whether a server tells its schema and gives out GraphiQL when nobody has set it: where somebody has to sign in, it does not. */
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createServerDatabase } from '../support/database.ts';
import { send } from '../support/rawHttp.ts';
import { openBareSocket } from '../support/rawSocket.ts';
import { runCli, startCliServer, temporaryDirectory } from './support.ts';

const LONG = 120_000;
const temporary = temporaryDirectory();
afterAll(() => temporary.remove());

const QUERY = '{ __schema { queryType { name } } }';
const TOLD = '{"queryType":{"name":"Query"}}';

interface Told {
  json: string;
  stream: string;
  socket: string;
  page: string;
}

/** What is answered over each transport, and to a browser. */
async function answersOf(url: string, authorization: Record<string, string>): Promise<Told> {
  const post = async (accept: string) => {
    const headers = { ...authorization, 'content-type': 'application/json', accept };
    const body = JSON.stringify({ query: QUERY });
    return (await send(`${url}/graphql`, { method: 'POST', headers, body })).body;
  };
  const bare = await openBareSocket(url, authorization);
  bare.send({ type: 'connection_init' });
  await bare.next();
  bare.send({ id: 'a', type: 'subscribe', payload: { query: QUERY } });
  const socket = JSON.stringify(await bare.next());
  bare.socket.terminate();
  const headers = { ...authorization, accept: 'text/html' };
  const page = await send(`${url}/graphql`, { headers });
  return {
    json: await post('application/json'),
    stream: await post('text/event-stream'),
    socket,
    page: page.body,
  };
}

const saying = (text: string, page: unknown) => ({
  json: expect.stringContaining(text),
  stream: expect.stringContaining(text),
  socket: expect.stringContaining(text),
  page,
});

test(
  'in production they are off, and on where that is said',
  async () => {
    const databaseUrl = await createServerDatabase();
    const env = {
      NODE_ENV: 'production',
      DATA_DIR: join(temporary.path, 'production'),
      ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
    };
    const made = await runCli(['keys', 'create', '--name', 'probe', '--role', 'VIEWER'], env);
    const authorization = { authorization: `Bearer ${made.stdout.trim()}` };

    const server = await startCliServer(env);
    expect(await answersOf(server.url, authorization)).toEqual(
      saying('"code":"INTROSPECTION_OFF"', expect.not.stringContaining('<script')),
    );
    await server.close();

    const telling = await startCliServer({ ...env, GRAPHIQL: 'true' });
    expect(await answersOf(telling.url, authorization)).toEqual(
      saying(TOLD, expect.stringContaining('<script')),
    );
    await telling.close();
  },
  LONG,
);

test(
  'in development they are on, and off where that is said',
  async () => {
    const databaseUrl = await createServerDatabase();
    const env = {
      DATA_DIR: join(temporary.path, 'development'),
      ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
    };
    const server = await startCliServer(env);
    expect(await answersOf(server.url, {})).toEqual(saying(TOLD, expect.stringContaining('<script')));
    await server.close();

    const silent = await startCliServer({ ...env, INTROSPECTION: 'false', GRAPHIQL: 'false' });
    expect(await answersOf(silent.url, {})).toEqual(
      saying('"code":"INTROSPECTION_OFF"', expect.not.stringContaining('<script')),
    );
    await silent.close();
  },
  LONG,
);
