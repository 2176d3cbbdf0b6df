/** One who follows on a bare socket: a WebSocket without or with graphql-transport-ws, or an event stream. */
import { connect } from 'node:net';

export interface Followed {
  /** `raw`: a WebSocket on which nothing is asked. */
  kind: 'raw' | 'webSocket' | 'eventStream';
  url: string;
  headers: Record<string, string>;
  query: string;
  variables: Record<string, unknown>;
}

export interface Follower {
  close(): void;
}

const TEXT = 0x81;
const PING = 0x9;
const PONG = 0x8a;

/** `onMessage` is told each message, of the events their data; `onEnd` of whatever ends it but `close`. */
export function follow(
  { kind, url, headers, query, variables }: Followed,
  onMessage: (message: Buffer) => void,
  onEnd: (why: string) => void,
): Follower {
  const { hostname, port, host, pathname } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const all = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const operation = JSON.stringify({ query, variables });
  const isStream = kind === 'eventStream';
  let come: Buffer = Buffer.alloc(0);
  let opened = false;

  socket.on('connect', () => {
    socket.write(
      isStream
        ? `POST ${pathname} HTTP/1.1\r\n${all.join('')}accept: text/event-stream\r\ncontent-type: application/json\r\n` +
            `content-length: ${Buffer.byteLength(operation)}\r\n\r\n${operation}`
        : `GET ${pathname} HTTP/1.1\r\n${all.join('')}connection: Upgrade\r\nupgrade: websocket\r\n` +
            `sec-websocket-version: 13\r\nsec-websocket-key: ${Buffer.alloc(16, 'k').toString('base64')}\r\n` +
            `${kind === 'webSocket' ? 'sec-websocket-protocol: graphql-transport-ws\r\n' : ''}\r\n`,
    );
  });
  socket.on('error', ({ message }) => onEnd(message));
  socket.on('close', () => onEnd('The connection was closed'));
  socket.on('data', (chunk) => {
    come = come.length === 0 ? chunk : Buffer.concat([come, chunk]);
    if (!opened) open();
    if (opened) come = isStream ? readEvents(come, onMessage) : readFrames(come, onFrame);
  });

  function open(): void {
    const end = come.indexOf('\r\n\r\n');
    if (end === -1) return;
    const status = come.toString('latin1', 9, 12);
    if (status !== (isStream ? '200' : '101')) return void socket.destroy(new Error(come.toString()));
    opened = true;
    come = come.subarray(end + 4);
    if (kind === 'webSocket') sendText(JSON.stringify({ type: 'connection_init', payload: headers }));
  }

  function onFrame(opcode: number, payload: Buffer): void {
    if (opcode === PING) return void socket.write(frameOf(PONG, payload));
    if (opcode === 8) return onEnd(`Closed: ${payload.subarray(2).toString()}`);
    if (kind === 'webSocket' && payload.includes('"type":"connection_ack"'))
      return sendText(`{"id":"1","type":"subscribe","payload":${operation}}`);
    onMessage(payload);
  }

  function sendText(text: string): void {
    socket.write(frameOf(TEXT, Buffer.from(text)));
  }

  return {
    close() {
      socket.removeAllListeners('close').removeAllListeners('error').removeAllListeners('data');
      socket.on('error', () => undefined);
      socket.destroy();
    },
  };
}

/** Masked, as clients must, with zeros. */
function frameOf(first: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126 ? [first, 0x80 | length] : [first, 0x80 | 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

/** Hands on the whole frames, and returns the rest. */
function readFrames(bytes: Buffer, onFrame: (opcode: number, payload: Buffer) => void): Buffer {
  let at = 0;
  while (bytes.length - at >= 2) {
    const short = bytes.readUInt8(at + 1);
    if (short === 127) throw new Error('A frame of more than 65,535 bytes');
    if (short === 126 && bytes.length - at < 4) break;
    const from = at + (short === 126 ? 4 : 2);
    const to = from + (short === 126 ? bytes.readUInt16BE(at + 2) : short);
    if (bytes.length < to) break;
    onFrame(bytes.readUInt8(at) & 0xf, bytes.subarray(from, to));
    at = to;
  }
  return bytes.subarray(at);
}

/** Hands on the data of the whole events, and returns the rest. Chunks' lengths stand on lines of their own. */
function readEvents(bytes: Buffer, onMessage: (message: Buffer) => void): Buffer {
  let rest = bytes;
  for (;;) {
    const from = rest.indexOf('\ndata: ');
    const to = from === -1 ? -1 : rest.indexOf('\n', from + 7);
    if (to === -1) return rest;
    onMessage(rest.subarray(from + 7, to));
    rest = rest.subarray(to);
  }
}
