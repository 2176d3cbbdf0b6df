/** How Redis is spoken to: a connection that is given up when it breaks, by those who open another, and patience. */
import { createClient, type RedisClientOptions } from '@redis/client';

export type RedisClient = ReturnType<typeof createRedisClient>;

/**
 * Not connected yet. The client's own way to reconnect is not used: it cannot be stopped while it waits. `onLost` is told
 * of every error.
 */
export function createRedisClient(
  url: string,
  { socket, ...options }: Pick<RedisClientOptions, 'pingInterval'> & { socket: SocketLimits },
  onLost: (error: Error) => void,
) {
  const client = createClient({
    url,
    RESP: 2,
    maintNotifications: 'disabled',
    disableOfflineQueue: true,
    ...options,
    socket: { reconnectStrategy: false, ...socket },
  });
  client.on('error', onLost);
  client.unref(); // Redis, which may be away, keeps no process from ending.
  return client;
}

/** In milliseconds. */
interface SocketLimits {
  connectTimeout: number;
  /** How long nothing may come. */
  socketTimeout?: number;
}

/** What `work` gives. Rejects when that takes too long. */
export async function within<T>(milliseconds: number, work: T | PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`Redis has not answered for ${milliseconds} ms`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
