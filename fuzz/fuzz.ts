/** Sends a server what nobody should send, and looks for what no server should answer. The same seed sends the same. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { seededRandom, type SeededRandom } from '../bench/random.ts';
import { exchange } from './exchange.ts';
import { randomFrame } from './frames.ts';
import { faultsOf } from './judge.ts';
import { randomRequest } from './requests.ts';
import { makeScene, PREFLIGHT, type Scene } from './scene.ts';
import type { FuzzedServer } from './server.ts';

export interface FuzzOptions {
  requests: number;
  frames: number;
  seed: number;
  tell?: (words: string) => void;
}

export interface Fault {
  /** What is wrong. */
  what: string;
  /** What was sent, to send it again. */
  sent: string;
  answered: string;
}

export interface FuzzResult {
  seed: number;
  requests: number;
  frames: number;
  /** Answers by status, or `none`, and closings of sockets by code. */
  answers: Record<string, number>;
  messages: number;
  faults: Fault[];
}

/** After so many there is a new scene: what is sent deletes things. */
const SCENE_LENGTH = 500;
const AT_ONCE = 8;
const FRAMES_A_SOCKET = 25;

export async function fuzz(server: FuzzedServer, options: FuzzOptions): Promise<FuzzResult> {
  const { requests, frames, seed, tell = () => undefined } = options;
  const result: FuzzResult = { seed, requests: 0, frames: 0, answers: {}, messages: 0, faults: [] };
  const random = seededRandom(seed);
  let scenes = 0;
  const newScene = () => makeScene(server.url, `Scene ${(scenes += 1)}`);

  while (result.requests < requests) {
    const count = Math.min(SCENE_LENGTH, requests - result.requests);
    await sendRequests(server, random, await newScene(), count, result);
    tell(`${result.requests} requests, ${result.faults.length} faults`);
  }
  while (result.frames < frames) {
    const count = Math.min(SCENE_LENGTH, frames - result.frames);
    await sendFrames(server, random, await newScene(), count, result);
    tell(`${result.frames} frames, ${result.faults.length} faults`);
  }
  const alive = await fetch(`${server.url}/health/ready`);
  if (alive.status !== 200)
    result.faults.push({ what: 'is not ready any more', sent: '', answered: await alive.text() });
  for (const line of server.errors())
    result.faults.push({ what: 'logged an error', sent: '', answered: line });
  return result;
}

async function sendRequests(
  server: FuzzedServer,
  random: SeededRandom,
  scene: Scene,
  count: number,
  result: FuzzResult,
) {
  const { hostname, port, host } = new URL(server.url);
  // Made before they are sent: their order is the seed's, whatever comes back first.
  const all = Array.from({ length: count }, () => randomRequest(random, scene, host)).values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const bytes of all) {
        const answered = await exchange(hostname, Number(port), bytes);
        result.requests += 1;
        const status = /^HTTP\/1\.1 (\d{3})/.exec(answered)?.[1] ?? 'none';
        result.answers[status] = (result.answers[status] ?? 0) + 1;
        const what = faultsOf(answered, server.dataDir);
        if (status.startsWith('5')) what.push(`has the status ${status}`);
        if (what.length > 0)
          result.faults.push({ what: what.join(', '), sent: bytes.toString('latin1'), answered });
      }
    }),
  );
}

async function sendFrames(
  server: FuzzedServer,
  random: SeededRandom,
  scene: Scene,
  count: number,
  result: FuzzResult,
) {
  const all = Array.from({ length: count }, (_, n) => randomFrame(random, scene, n));
  const shares = Array.from({ length: Math.ceil(count / FRAMES_A_SOCKET) }, (_, n) =>
    all.slice(n * FRAMES_A_SOCKET, (n + 1) * FRAMES_A_SOCKET),
  ).values();
  await Promise.all(
    Array.from({ length: AT_ONCE / 2 }, async () => {
      for (const share of shares) {
        // A socket that the server closes takes no more: the rest of its share goes over another.
        for (let rest = share; rest.length > 0;) rest = rest.slice(await overOneSocket(server, rest, result));
      }
    }),
  );
}

/** How many of the frames were sent before the server closed the socket; at least one. */
async function overOneSocket(
  server: FuzzedServer,
  frames: ReturnType<typeof randomFrame>[],
  result: FuzzResult,
) {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: PREFLIGHT,
  });
  socket.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => socket.once('close', (code) => resolve(code)));
  await Promise.race([once(socket, 'open'), closed]);
  socket.send('{"type":"connection_init"}');
  await Promise.race([once(socket, 'message'), closed]);
  let last = '';
  socket.on('message', (data: Buffer) => {
    const answered = data.toString();
    result.messages += 1;
    const what = faultsOf(answered, server.dataDir);
    if (what.length > 0)
      result.faults.push({ what: what.join(', '), sent: sentFor(answered, frames) ?? last, answered });
  });
  let sent = 0;
  while (sent < frames.length && socket.readyState === WebSocket.OPEN) {
    const { data, binary } = frames[sent] ?? { data: '', binary: false };
    last = data.toString();
    socket.send(data, { binary });
    sent += 1;
    result.frames += 1;
    // What follows a frame for which the socket is closed would be lost: a pong tells that it was read.
    socket.send('{"type":"ping"}');
    await Promise.race([once(socket, 'message'), closed]);
  }
  socket.close(1000);
  const code = await closed;
  result.answers[code] = (result.answers[code] ?? 0) + 1;
  if (code === 4500 || code === 1011)
    result.faults.push({ what: `closed with ${code}`, sent: last, answered: '' });
  return Math.max(sent, 1);
}

/** The frame that began the operation that an answer is of. */
function sentFor(answered: string, frames: { data: string | Buffer }[]): string | undefined {
  const id = /"id":"(n\d+)"/.exec(answered)?.[1];
  return frames
    .map(({ data }) => data.toString())
    .find((data) => id !== undefined && data.includes(`"id":"${id}"`));
}
