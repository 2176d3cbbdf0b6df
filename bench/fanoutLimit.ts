/** The limit of fan-out: what is posted here goes to every WebSocket as it is. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { WebSocketServer } from 'ws';

const sockets = new WebSocketServer({ noServer: true });
sockets.on('connection', (socket) => socket.send('{"type":"hello"}'));

async function broadcast(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const message = await text(request);
  for (const socket of sockets.clients) socket.send(message);
  response.end();
}

const server = createServer((request, response) => void broadcast(request, response));
server.on('upgrade', (request, socket, head) =>
  sockets.handleUpgrade(request, socket, head, (accepted) => sockets.emit('connection', accepted, request)),
);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port');
  process.send?.({ url: `http://127.0.0.1:${address.port}/` });
});
process.once('disconnect', () => process.exit());
