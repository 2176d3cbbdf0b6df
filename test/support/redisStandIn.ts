/** As much of a Redis server as we use, over real sockets, in RESP 2. Nothing expires: tests are over before it would. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface RedisStandIn {
  port: number;
  close(): Promise<void>;
}

type Reply = string | number | null | Reply[];

const simple = (text: string): string => `+${text}\r\n`;

function encode(reply: Reply): string {
  if (reply === null) return '$-1\r\n';
  if (typeof reply === 'number') return `:${reply}\r\n`;
  if (typeof reply === 'string') return `$${Buffer.byteLength(reply)}\r\n${reply}\r\n`;
  return `*${reply.length}\r\n${reply.map(encode).join('')}`;
}

export async function startRedisStandIn(): Promise<RedisStandIn> {
  const channels = new Map<string, Set<Socket>>();
  const sockets = new Set<Socket>();
  const texts = new Map<string, string>();
  const hashes = new Map<string, Map<string, string>>();

  function answer(socket: Socket, [name = '', ...args]: string[]): string {
    const subscribed = [...channels.values()].filter((listeners) => listeners.has(socket)).length;
    switch (name.toUpperCase()) {
      case 'PING':
        return subscribed > 0 ? encode(['pong', '']) : simple('PONG');
      case 'CLIENT':
        return simple('OK');
      case 'SUBSCRIBE':
        return args.map((channel, n) => subscribe(socket, channel, subscribed + n + 1)).join('');
      case 'PUBLISH':
        return encode(publish(args[0] ?? '', args[1] ?? ''));
      case 'GET':
        return encode(texts.get(args[0] ?? '') ?? null);
      case 'SET':
        texts.set(args[0] ?? '', args[1] ?? '');
        return simple('OK');
      case 'HSET':
        hashes.set(args[0] ?? '', (hashes.get(args[0] ?? '') ?? new Map()).set(args[1], args[2] ?? ''));
        return encode(1);
      case 'HGETALL':
        return encode([...(hashes.get(args[0] ?? '') ?? [])].flat());
      case 'EXPIRE':
        return encode(1);
      default:
        return `-ERR unknown command '${name}'\r\n`;
    }
  }

  function subscribe(socket: Socket, channel: string, count: number): string {
    const listeners = channels.get(channel) ?? new Set();
    channels.set(channel, listeners.add(socket));
    return encode(['subscribe', channel, count]);
  }

  function publish(channel: string, message: string): number {
    const listeners = channels.get(channel) ?? new Set();
    for (const listener of listeners) listener.write(encode(['message', channel, message]));
    return listeners.size;
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    let unread: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      for (let read = readCommand(unread); read; read = readCommand(unread)) {
        unread = read.rest;
        socket.write(answer(socket, read.command));
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      for (const listeners of channels.values()) listeners.delete(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The first command, an array of byte strings, and what follows it; undefined while it has not come whole. */
function readCommand(bytes: Buffer): { command: string[]; rest: Buffer } | undefined {
  let at = 0;
  function line(): string | undefined {
    const end = bytes.indexOf('\r\n', at);
    if (end === -1) return undefined;
    const text = bytes.toString('utf8', at, end);
    at = end + 2;
    return text;
  }
  const count = line();
  if (count === undefined) return undefined;
  const command: string[] = [];
  for (let n = 0; n < Number(count.slice(1)); n += 1) {
    const length = Number(line()?.slice(1));
    if (Number.isNaN(length) || at + length + 2 > bytes.length) return undefined;
    command.push(bytes.toString('utf8', at, at + length));
    at += length + 2;
  }
  return { command, rest: bytes.subarray(at) };
}
