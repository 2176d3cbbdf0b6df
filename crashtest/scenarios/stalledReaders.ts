/**
 * Readers that stop reading, over WebSocket and server-sent events, while very many events pass: the server stays up, its
 * memory does not grow with them, and those who read miss nothing. They are not told to go within the scenario unless
 * `stallLimit` says so: that they cost little has to hold without that.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { fileURLToPath } from 'node:url';
import { openRawSocket } from '../../test/support/rawSocket.ts';
import { runAlone } from '../support/alone.ts';
import { createTally, EVENTS, followWith, openClient, seqOf } from '../support/follow.ts';
import type { Answer, Ask, Opened } from '../support/sceneChild.ts';

export interface StalledReadersOptions {
  /** A PostgreSQL server; without it the database is embedded, and its memory counts as the server's. */
  databaseUrl?: string | undefined;
  /** 100,000 by default. */
  events?: number;
  /** Of each kind; 5 by default. */
  stalled?: number;
  /** How many read on; 2 by default. */
  healthy?: number;
  /** After how long a stalled reader is told to go, in milliseconds; not within the scenario by default. */
  stallLimit?: number;
}

export interface StalledReadersFigures {
  events: number;
  serverUp: boolean;
  /** How many still followed at the end, of `stalled` × 2 + `healthy`. */
  followers: number;
  healthyMissing: number;
  healthyRepeated: number;
  healthyReachedFinal: number;
  /**
   * Growth from when everybody had connected and the server was warm to the highest seen, in MB. Room that the warm-up
   * left can hide some of it; `heldGrowthMb` is the keener figure.
   */
  rssGrowthMb: number;
  /** The memory at the beginning of the measuring, in MB. */
  rssMb: number;
  /** The same of what JavaScript holds after collecting garbage: the database's share is not in it. */
  heldGrowthMb: number;
  seconds: number;
}

const BATCH = 500;
/** Events before the measuring begins: code compiled, caches filled, the operating system's buffers too. */
const WARM_UP = 10_000;
const MESSAGE = 'Something has changed, and this is what there is to say about it. '.repeat(5);
const MB = 1024 * 1024;

export async function stalledReaders({
  databaseUrl,
  events = 100_000,
  stalled = 5,
  healthy = 2,
  stallLimit = 24 * 60 * 60_000,
}: StalledReadersOptions = {}): Promise<StalledReadersFigures> {
  const child = fork(
    fileURLToPath(new URL('../support/sceneChild.ts', import.meta.url)),
    [JSON.stringify({ databaseUrl, slowReaders: { limit: stallLimit } })],
    { execArgv: ['--import', 'tsx', '--expose-gc'] },
  );
  const opened = await heard<Opened>(child);
  const variables = { id: opened.id, afterSeq: 0 };

  const stuck: (() => void)[] = [];
  for (let one = 0; one < stalled; one += 1) {
    const raw = await openRawSocket(opened.url, opened.headers);
    raw.subscribe('events', EVENTS, variables);
    raw.socket.pause();
    stuck.push(() => raw.socket.terminate());
    const stream = await openStream(opened, variables);
    stream.pause();
    stuck.push(() => stream.destroy());
  }
  const tallies = Array.from({ length: healthy }, () => createTally());
  const clients = tallies.map(() => openClient(opened));
  const reading = tallies.map((tally, index) => {
    const client = clients[index];
    if (!client) throw new Error('There is a client for each');
    return followWith(client, EVENTS, variables, (data) => tally.see(seqOf(data)));
  });

  const tell = () => asked(child, { ask: 'tell', count: BATCH, message: MESSAGE });
  for (let told = 0; told < WARM_UP; told += BATCH) await tell();
  const before = await asked(child, { ask: 'memory' });
  const began = performance.now();
  const most = { rss: before.rss, held: before.held };
  for (let told = 0; told < events; told += BATCH) {
    const answer = await tell();
    if (told % (BATCH * 10) === 0) {
      const { rss, held } = await asked(child, { ask: 'memory' });
      most.rss = Math.max(most.rss, rss);
      most.held = Math.max(most.held, held);
    }
    most.rss = Math.max(most.rss, answer.rss);
  }
  const { followers } = await asked(child, { ask: 'memory' });
  const { final } = await asked(child, { ask: 'finish' });
  await Promise.all(reading);
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  const { status } = await fetch(`${opened.url}/health/ready`);
  for (const end of stuck) end();
  for (const client of clients) await client.dispose();
  const exited = once(child, 'exit');
  await asked(child, { ask: 'close' });
  await exited;
  return {
    events,
    serverUp: status === 200,
    followers,
    healthyMissing: tallies.reduce((sum, { missing }) => sum + missing, 0),
    healthyRepeated: tallies.reduce((sum, { repeated }) => sum + repeated, 0),
    healthyReachedFinal: tallies.filter(({ last }) => last === final).length,
    rssMb: Math.round(before.rss / MB),
    rssGrowthMb: Math.round((most.rss - before.rss) / MB),
    heldGrowthMb: Math.round((most.held - before.held) / MB),
    seconds,
  };
}

async function openStream({ url, headers }: Opened, variables: object): Promise<IncomingMessage> {
  const sent = request(`${url}/graphql`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
    agent: false,
  });
  sent.end(JSON.stringify({ query: EVENTS, variables }));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.on('error', () => undefined); // Cut off at the end.
  return response;
}

async function asked(child: ChildProcess, ask: Ask): Promise<Answer> {
  const answer = heard<Answer>(child);
  child.send(ask);
  return answer;
}

/** The child's next message; throws when it ends instead. */
async function heard<Message>(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`The server ended with exit code ${code}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as Message);
    });
  });
}

await runAlone(import.meta.url, stalledReaders);
