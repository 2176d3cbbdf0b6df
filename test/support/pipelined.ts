/** Many small requests in little time: over a few connections, each sent before the answers to those before it are in. */
import { connect } from 'node:net';

export interface PipelinedAnswer {
  status: number;
  /** By their names in small letters, without those that differ from one request to the next. */
  headers: Record<string, string>;
  body: string;
}

const CONNECTIONS = 4;
const PASSING = new Set(['date', 'x-request-id']);

/** Gets what is at the addresses of one server, and returns the answers in their order. */
export async function getAll(addresses: readonly string[]): Promise<PipelinedAnswer[]> {
  const share = Math.ceil(addresses.length / CONNECTIONS);
  const shares = Array.from({ length: CONNECTIONS }, (_, index) =>
    addresses.slice(index * share, (index + 1) * share),
  );
  return (await Promise.all(shares.filter(({ length }) => length > 0).map(overOneConnection))).flat();
}

async function overOneConnection(addresses: readonly string[]): Promise<PipelinedAnswer[]> {
  const urls = addresses.map((address) => new URL(address));
  const [{ hostname, port, host } = new URL('http://localhost')] = urls;
  const requests = urls.map(({ pathname, search }, index) => {
    const last = index === urls.length - 1 ? 'Connection: close\r\n' : '';
    return `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${last}\r\n`;
  });
  const chunks: Buffer[] = [];
  const socket = connect(Number(port), hostname);
  socket.write(requests.join(''));
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  const answers = answersIn(Buffer.concat(chunks));
  if (answers.length !== urls.length)
    throw new Error(`${answers.length} answers came to ${urls.length} requests`);
  return answers;
}

/** All of them say how long they are. */
function answersIn(received: Buffer): PipelinedAnswer[] {
  const answers: PipelinedAnswer[] = [];
  for (let at = 0; at < received.length;) {
    const end = received.indexOf('\r\n\r\n', at);
    if (end === -1) throw new Error('An answer breaks off');
    const [first = '', ...lines] = received.toString('latin1', at, end).split('\r\n');
    const headers = Object.fromEntries(
      lines
        .map((line): [string, string] => {
          const [name = '', ...value] = line.split(': ');
          return [name.toLowerCase(), value.join(': ')];
        })
        .filter(([name]) => !PASSING.has(name)),
    );
    const length = Number(headers['content-length'] ?? NaN);
    if (Number.isNaN(length)) throw new Error(`An answer does not say how long it is: ${first}`);
    at = end + 4 + length;
    answers.push({
      status: Number(first.split(' ')[1]),
      headers,
      body: received.toString('utf8', end + 4, at),
    });
  }
  return answers;
}
