/** The app behind the tunnels: sends every message back. */
import { WebSocketServer } from 'ws';
import { announce } from './peer.ts';

const server: WebSocketServer = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false }, () =>
  announce(server.address()),
);
server.on('connection', (socket) => socket.on('message', (data, binary) => socket.send(data, { binary })));
