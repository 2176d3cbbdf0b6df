/** Sends bytes over a connection and gives what came back. */
import { connect } from 'node:net';

/** An event stream does not end by itself, and a request that is not whole is not answered. */
const PATIENCE = 1_500;
/** How long nothing has to come before an answer that goes on, such as an event stream, counts as read. */
const QUIET = 100;

/** All that the server said; empty when it hung up, or had nothing to say. */
export function exchange(host: string, port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, host, () => socket.write(bytes));
    const done = () => socket.destroy();
    const patience = setTimeout(done, PATIENCE);
    let quiet: NodeJS.Timeout | undefined;
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      clearTimeout(quiet);
      quiet = setTimeout(done, QUIET);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // It may hang up while we still write; that it is there at all, the next connection shows.
      if (error.code === 'ECONNREFUSED') reject(new Error('The server is gone', { cause: error }));
    });
    socket.once('close', () => {
      clearTimeout(patience);
      clearTimeout(quiet);
      resolve(Buffer.concat(chunks).toString());
    });
  });
}
