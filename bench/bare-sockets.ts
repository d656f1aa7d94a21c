/** The peer of the fan-out line: the WebSocket library alone, which sends every client the text it was given. */
import { createServer } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';

const sockets = new Set<WebSocket>();
const server = createServer(async (request, response) => {
  const body = JSON.parse(await new Response(request as never).text()) as object;
  const text = Buffer.from(JSON.stringify({ ...body, at: new Date().toISOString() }));
  for (const socket of sockets) socket.send(text, { binary: false });
  response.end();
});
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => sockets.add(socket));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(JSON.stringify({ port: typeof address === 'object' ? address?.port : null }));
});
