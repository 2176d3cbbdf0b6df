/**
 * Asks a server over and over, in a process of its own: forked by requests.ts, told what to ask, and answers with how it
 * went. On bare sockets, so that it takes little of the processor that it shares with whom it asks.
 */
import { connect } from 'node:net';
import { loadOrder, type LoadOrder, type LoadOutcome } from './requests.ts';

process.once('disconnect', () => process.exit());
// What goes wrong ends the process, which its parent sees.
process.on('message', (message) => void obey(message));

async function obey(message: unknown): Promise<void> {
  process.send?.(await load(loadOrder.parse(message)));
}

async function load({ url, headers, bodies, connections, milliseconds }: LoadOrder): Promise<LoadOutcome> {
  const latencies: number[] = [];
  const begin = performance.now();
  const until = begin + milliseconds;
  const { hostname, port, host, pathname } = new URL(url);
  const asking = Array.from({ length: connections }, (_, n) => {
    const body = bodies[n % bodies.length] ?? '';
    const sent = {
      'content-type': 'application/json',
      ...headers,
      'content-length': Buffer.byteLength(body),
    };
    const lines = Object.entries({ host, ...sent }).map(([name, value]) => `${name}: ${value}\r\n`);
    const request = Buffer.from(`POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
    return ask({ hostname, port: Number(port) }, request, until, latencies);
  });
  await Promise.all(asking);
  const seconds = (performance.now() - begin) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? NaN;
  return { requests: latencies.length, seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** One connection: the next request goes out when the last one is answered. Rejects when an answer is not as the first. */
function ask(
  { hostname, port }: { hostname: string; port: number },
  request: Buffer,
  until: number,
  latencies: number[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port, noDelay: true });
    let come = Buffer.alloc(0);
    let first: Buffer | undefined;
    let sentAt = 0;
    const send = () => {
      sentAt = performance.now();
      socket.write(request);
    };
    const fail = (why: string) => socket.destroy(new Error(why));
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('end', () => fail('The server closed the connection'));
    socket.on('data', (chunk) => {
      come = come.length === 0 ? chunk : Buffer.concat([come, chunk]);
      const answer = readAnswer(come);
      if (answer === undefined) return;
      latencies.push(performance.now() - sentAt);
      come = come.subarray(answer.length);
      if (answer.status !== 200) return fail(`HTTP ${answer.status}: ${answer.body.toString()}`);
      if (first === undefined) first = Buffer.from(answer.body);
      else if (!first.equals(answer.body))
        return fail(`Another answer: ${answer.body.toString().slice(0, 500)}`);
      if (performance.now() < until) return send();
      socket.removeAllListeners('end');
      socket.end(resolve);
    });
  });
}

/** The first answer in the bytes; undefined when it is not whole yet. */
function readAnswer(bytes: Buffer): { status: number; body: Buffer; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const status = Number(head.slice(9, 12));
  const from = headEnd + 4;
  const told = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (told !== undefined) {
    const length = from + Number(told);
    return bytes.length < length ? undefined : { status, body: bytes.subarray(from, length), length };
  }
  const parts: Buffer[] = [];
  for (let at = from; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return { status, body: Buffer.concat(parts), length: next };
    parts.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = next;
  }
}
