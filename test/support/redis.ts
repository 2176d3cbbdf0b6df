/**
 * A Redis for tests: the server that TEST_REDIS_URL names, else a stand-in. Either is reached through a relay, which can
 * be cut and mended, as if Redis were killed and started again.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { startRedisStandIn } from './redisStandIn.ts';

export interface TestRedis {
  url: string;
  /** Breaks all connections and refuses new ones. */
  cut(): Promise<void>;
  /** Leaves all connections as they are and takes new ones, but lets nothing through any more. */
  stall(): void;
  mend(): Promise<void>;
  close(): Promise<void>;
}

export async function startTestRedis(): Promise<TestRedis> {
  const real = process.env['TEST_REDIS_URL'];
  const standIn = real ? undefined : await startRedisStandIn();
  const target = new URL(real || `redis://127.0.0.1:${standIn?.port}`);
  const relay = await startRelay(Number(target.port || 6379), target.hostname);
  const url = new URL(target);
  url.host = `127.0.0.1:${relay.port}`;
  return {
    url: url.href,
    cut: () => relay.cut(),
    stall: () => relay.stall(),
    mend: () => relay.mend(),
    async close() {
      await relay.cut();
      await standIn?.close();
    },
  };
}

async function startRelay(targetPort: number, targetHost: string) {
  const sockets = new Set<Socket>();
  let stalled = false;
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;

  async function listen(on: number): Promise<Server> {
    const listening = createServer(pass).listen(on, '127.0.0.1');
    await once(listening, 'listening');
    return listening;
  }

  function pass(near: Socket): void {
    const far = connect(targetPort, targetHost);
    join(near, far);
    join(far, near);
  }

  function join(from: Socket, to: Socket): void {
    sockets.add(from);
    from.on('data', (bytes) => stalled || to.write(bytes));
    from.on('error', () => from.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  }

  async function cut(): Promise<void> {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  }

  return {
    port,
    cut,
    stall(): void {
      stalled = true;
    },
    /** What was stalled is lost for good: its connections are broken. */
    async mend(): Promise<void> {
      await cut();
      stalled = false;
      server = await listen(port);
    },
  };
}
